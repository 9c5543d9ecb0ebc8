"""The relevant headers of a request, read in one pass."""

from dataclasses import dataclass

from starlette.types import Scope

__all__ = ["RequestHead", "head_of"]


@dataclass(slots=True)
class RequestHead:
    """The headers that decide about access; None where a header is missing."""

    key: str = ""
    """The API key, else the bearer token."""
    host: str | None = None
    origin: str | None = None
    fetch_site: str | None = None
    length: int | None = None
    is_chunked: bool = False


def head_of(scope: Scope) -> RequestHead:
    # By hand: Starlette's Headers search the list once for each name, and this runs for every request.
    head, bearer = RequestHead(), ""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            head.key = value.decode("latin-1").strip()
        elif name == b"host":
            head.host = value.decode("latin-1")
        elif name == b"content-length":
            head.length = int(value) if value.isdigit() else None
        elif name == b"authorization":
            bearer = value[7:].decode("latin-1").strip() if value[:7].lower() == b"bearer " else bearer
        elif name == b"origin":
            head.origin = value.decode("latin-1")
        elif name == b"sec-fetch-site":
            head.fetch_site = value.decode("latin-1")
        elif name == b"transfer-encoding":
            head.is_chunked = True
    head.key = head.key or bearer
    return head
