"""Paths in storage, as they arrive in a URL: each segment is encoded by itself."""

from urllib.parse import unquote_to_bytes

from starlette.requests import Request

__all__ = ["MAX_PATH_BYTES", "storage_path", "storage_region"]

MAX_PATH_BYTES = 1024  # the limit of S3 for a key
_FIXED_SEGMENTS = 4  # the empty one before the first slash, "storage", the storage's id, the call
_PREFIX = "user_files::"


def storage_region(storage_id: str) -> str | None:
    """The region of an organization's managed storage, or None for any other id."""
    return storage_id[len(_PREFIX) :] or None if storage_id.startswith(_PREFIX) else None


def storage_path(request: Request) -> str | None:
    """The path in storage that a request names, without slashes at its ends; None if it cannot be one.

    Read from the bytes of the request line: the decoded path does not show whether a slash separates segments.
    """
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    segments = raw.split(b"?", 1)[0].split(b"/")[_FIXED_SEGMENTS:]
    try:
        names = [unquote_to_bytes(segment).decode() for segment in segments]
    except UnicodeDecodeError:
        return None
    if names and not names[-1]:
        names.pop()  # a folder may be written with a slash at its end
    is_odd = any(name in {"", ".", ".."} or "/" in name or "\x00" in name for name in names)
    path = "/".join(names)
    return None if is_odd or len(path.encode()) > MAX_PATH_BYTES else path
