"""Classify a request by its method and path."""

from typing import Literal, get_args

__all__ = ["CALL_KINDS", "READING_CALLS", "UPLOADS", "CallKind", "call_kind"]

CallKind = Literal[
    "create",
    "list",
    "get",
    "cancel",
    "logs",
    "metrics",
    "costs",
    "organization",
    "quota",
    "config_hint",
    "storage",
    "upload_url",
    "directory",
    "delete_file",
    "upload",
    "other",
]
CALL_KINDS: tuple[CallKind, ...] = get_args(CallKind)
READING_CALLS: frozenset[CallKind] = frozenset(CALL_KINDS) - {
    "create",
    "cancel",
    "upload_url",
    "delete_file",
    "upload",
    "other",
}
"""Calls that change nothing, ``POST /usage/costs`` among them."""

UPLOADS = "/_uploads/"
"""Where the paths of upload URLs begin. They take no API key."""

_FIXED: dict[tuple[str, str], CallKind] = {
    ("POST", "/runs"): "create",
    ("GET", "/runs"): "list",
    ("POST", "/usage/costs"): "costs",
    ("GET", "/organization"): "organization",
    ("GET", "/organization/quota/organization"): "quota",
    ("GET", "/me/jupyter/lab/config-hint"): "config_hint",
    ("GET", "/storage"): "storage",
}
# The part after the id, which is all that distinguishes the calls below /runs and /storage.
_OF_A_RUN: dict[tuple[str, str], CallKind] = {
    ("GET", ""): "get",
    ("POST", "cancel"): "cancel",
    ("GET", "logs"): "logs",
    ("GET", "metrics"): "metrics",
}
_OF_A_STORAGE: dict[tuple[str, str], CallKind] = {
    ("POST", "file-upload-url"): "upload_url",
    ("GET", "directories"): "directory",
    ("DELETE", "files"): "delete_file",
}
_BY_ID = {"runs": _OF_A_RUN, "storage": _OF_A_STORAGE}
_ROOTS = frozenset({"runs", "usage", "organization", "me", "storage"})


def call_kind(method: str, path: str) -> CallKind | None:
    """The kind of an API call, or None if the path belongs to the emulator itself (control, documentation)."""
    kind = _FIXED.get((method, path))
    if kind is not None:
        return kind
    parts = path.split("/", 4)  # "", the root, the id, what is asked of it
    if path.startswith(UPLOADS):
        return "upload"
    if len(parts) == 1 or parts[1] not in _ROOTS:
        return None
    if parts[1] not in _BY_ID or len(parts) < 3:  # noqa: PLR2004 - as in the line that splits
        return "other"
    return _BY_ID[parts[1]].get((method, parts[3] if len(parts) > 3 else ""), "other")  # noqa: PLR2004 - the part behind the id
