"""The transport interface under the client: sends one request, returns its reply.

``aiohttp_transport`` is the default; ``httpx_transport`` adapts any httpx transport. The class of an exception does not
reveal whether the server saw a request (docs/transports.md has a table), so a transport reports when sending started: a
request that had not started was not sent.
"""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

__all__ = [
    "JSON",
    "SMALL_BYTES",
    "Reply",
    "ReplyError",
    "SendTrace",
    "Timeouts",
    "Transport",
    "broken_reply",
    "check_encoding",
    "late_words",
    "read_body",
]

JSON = "application/json"
SMALL_BYTES = 1 << 20
"""Maximum bytes read of a reply that is not a list or a run, such as an error: 1 MiB."""


class SendTrace:
    """Records whether sending has started. Also works as httpx's ``trace`` extension."""

    __slots__ = ("is_reported", "started")

    def __init__(self) -> None:
        self.started = False
        self.is_reported = False
        """Whether an httpx transport reported any step. One that does not trace proves nothing by its silence."""

    async def __call__(self, step: str, info: Mapping[str, Any]) -> None:
        del info
        self.is_reported = True
        if step.endswith("send_request_headers.started"):
            self.started = True


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for a whole request from its start to the last byte of its reply."""

    connect_s: float
    total_s: float


class Headers(Protocol):
    """Header fields with case-insensitive names."""

    def get(self, key: str, /) -> str | None: ...


class Reply(msgspec.Struct, frozen=True):
    """A reply whose status arrived. If the body could not be read, it is empty and ``broken`` is the reason."""

    status: int
    headers: Headers
    body: bytes
    broken: str | None = None
    is_late: bool = False
    """The body did not arrive in time, which says nothing about who sends it."""

    @property
    def is_success(self) -> bool:
        return is_success(self.status)


class ReplyError(Exception):
    """The body of a reply is too long, or encoded in a way that was not asked for."""


class Transport(Protocol):
    """Sends each request once: no retries, no redirects, no cookies, no decompression."""

    @property
    def route(self) -> str:
        """How requests reach the service, if not directly: in an error's words, such as ``through the proxy …``."""
        ...

    async def open(self, headers: Mapping[str, str]) -> None:
        """Open the transport. ``headers`` are sent with every request, plus a content type if it has a body."""
        ...

    async def close(self) -> None: ...

    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        """Send a request; any exception means that no status arrived. ``trace`` records whether sending had started.

        Of a successful reply at most ``most_bytes`` are read, of any other one at most ``SMALL_BYTES``.
        """
        ...


def is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - 2xx


def check_encoding(headers: Headers) -> None:
    """Refuse a compressed reply: none was asked for, and a small one can expand to gigabytes.

    Raises:
        ReplyError: it is compressed.

    """
    encoding = headers.get("Content-Encoding")
    if encoding and encoding.strip().lower() not in {"", "identity"}:
        raise ReplyError(f"it is encoded as {encoding[:40]!r}, which was not requested; a proxy may be the cause")


def broken_reply(status: int, headers: Headers, error: Exception, total_s: float) -> Reply:
    """The reply whose body could not be read because of ``error``; ``total_s`` is the time that it had."""
    if isinstance(error, TimeoutError):
        return Reply(status, headers, b"", broken=late_words(total_s), is_late=True)
    return Reply(status, headers, b"", broken=str(error) or type(error).__name__)


def late_words(total_s: float) -> str:
    """What to say of a reply that did not arrive in time."""
    return f"no complete response within {total_s:g} s (--timeout)"


async def read_body(status: int, pieces: AsyncIterable[bytes], most_bytes: int) -> bytes:
    """The body, read piece by piece and never beyond its bound.

    Raises:
        ReplyError: it is longer.

    """
    bound = most_bytes if is_success(status) else SMALL_BYTES
    read, size = [], 0
    async for piece in pieces:
        size += len(piece)
        if size > bound:
            raise ReplyError(f"it is longer than {bound >> 20} MiB")  # in words that are the same for all payloads
        read.append(piece)
    return b"".join(read)
