"""Upload URLs: ``PUT`` the bytes of a file, as to presigned URLs of S3. Requests to them should carry no API key."""

from collections import deque
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from batchrun.emulator.calls import UPLOADS
from batchrun.emulator.clock import server_time
from batchrun.emulator.runs.files import FileStore, StoredFile, Ticket
from batchrun.emulator.runs.store import RunStore

__all__ = ["Upload", "Uploads", "add_uploads"]

KEPT_UPLOADS = 10_000  # the latest, about 10 MB: an emulator may run for weeks
SECRET_HEADERS = frozenset({"x-api-key", "authorization", "cookie", "proxy-authorization"})
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One request to an upload URL, for the audit: what it carried and how it ended."""

    method: str
    path: str | None
    """The path in storage; None for a URL that was never issued."""
    region: str | None
    organization: str | None
    status: int
    size: int
    sha256: str | None
    headers: dict[str, str]
    """What it carried; values that are secrets are masked."""
    secrets: list[str]
    """The headers among them that should not have been sent."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str
    message: str


_EXPIRED = _Refusal(403, "AccessDenied", "Request has expired")
_UNSIGNED = _Refusal(403, "SignatureDoesNotMatch", "The signature does not match the request")
_TWO_KEYS = _Refusal(400, "InvalidArgument", "Only one auth mechanism is allowed")
_NO_LENGTH = _Refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header")
_TOO_LARGE = _Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
_CUT = _Refusal(400, "IncompleteBody", "The request body ended before Content-Length was reached")


class Uploads:
    """The endpoint, and a record of every request to it."""

    def __init__(self, store: RunStore, files: FileStore) -> None:
        self._store = store
        self._files = files
        self.seen: deque[Upload] = deque(maxlen=KEPT_UPLOADS)

    async def put(self, request: Request, token: str) -> Response:
        """Store the bytes of a request."""
        ticket = self._files.ticket(token)
        found = self._refusal(request, token, ticket)
        size, digest = 0, None
        if found is None and ticket is not None:
            digest, size = await _digest(request)
            found = _cut_or_too_large(request, size, self._store.settings.max_upload_bytes)
            if found is None:
                now = server_time(self._store.settings)
                self._files.store(StoredFile(place=ticket.place, size=size, sha256=digest, modified_at=now))
        self._note(request, ticket, 200 if found is None else found.status, size, None if found else digest)
        if found is not None:
            text = _ERROR.format(code=found.code, message=found.message)
            return Response(text, found.status, media_type="application/xml")
        # S3's is most often an MD5: clients must not rely on that, nor on this.
        return Response(b"", 200, headers={"etag": f'"{digest}"'})

    def _refusal(self, request: Request, token: str, ticket: Ticket | None) -> _Refusal | None:
        """Why a request is refused before its body is read, as S3 does it."""
        settings = self._store.settings
        if request.method != "PUT" or ticket is None or request.query_params.get("X-Amz-Signature") != token:
            return _UNSIGNED
        if server_time(settings) > ticket.expires_at:
            return _EXPIRED
        if "authorization" in request.headers:
            return _TWO_KEYS
        length = request.headers.get("content-length")
        if length is None:
            return _NO_LENGTH
        return _TOO_LARGE if int(length) > settings.max_upload_bytes else None

    def _note(self, request: Request, ticket: Ticket | None, status: int, size: int, digest: str | None) -> None:
        place = None if ticket is None else ticket.place
        names = set(request.headers)
        self.seen.append(
            Upload(
                method=request.method,
                path=None if place is None else place.path,
                region=None if place is None else place.region,
                organization=None if place is None else place.organization,
                status=status,
                size=size,
                sha256=digest,
                headers={name: "****" if name in SECRET_HEADERS else request.headers[name] for name in sorted(names)},
                secrets=sorted(names & SECRET_HEADERS),
            )
        )

    def audit(self) -> list[dict[str, Any]]:
        """Every request to an upload URL, oldest first."""
        return [asdict(upload) for upload in self.seen]


async def _digest(request: Request) -> tuple[str, int]:
    """The SHA-256 and size of what arrives, even if the sender gives up in the middle."""
    digest, size = sha256(), 0
    try:
        async for chunk in request.stream():
            digest.update(chunk)
            size += len(chunk)
    except ClientDisconnect:
        pass
    return digest.hexdigest(), size


def _cut_or_too_large(request: Request, size: int, most: int) -> _Refusal | None:
    if size > most:
        return _TOO_LARGE
    return _CUT if size != int(request.headers["content-length"]) else None


def add_uploads(app: FastAPI, uploads: Uploads) -> None:
    """Add the route; like S3, it is not part of the API, so it is not described."""
    app.add_api_route(
        UPLOADS + "{token}",
        uploads.put,
        methods=["PUT", "GET", "POST", "DELETE", "HEAD", "PATCH"],
        include_in_schema=False,
    )
