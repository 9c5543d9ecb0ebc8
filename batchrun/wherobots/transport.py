"""The transport interface under the client: sends one request, returns its reply.

``aiohttp_transport`` is the default; ``httpx_transport`` adapts any httpx transport. The class of an exception does not
reveal whether the server saw a request (docs/transports.md has a table), so a transport reports when sending started: a
request that had not started was not sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

__all__ = ["JSON", "Reply", "SendTrace", "Timeouts", "Transport"]

JSON = "application/json"


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
    """Seconds to wait for a connection, and for each read of a reply."""

    connect_s: float
    read_s: float


class Headers(Protocol):
    """Header fields with case-insensitive names."""

    def get(self, key: str, /) -> str | None: ...


class Reply(msgspec.Struct, frozen=True):
    """A reply whose status arrived. If the body could not be read, it is empty and ``broken`` is the reason."""

    status: int
    headers: Headers
    body: bytes
    broken: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - 2xx


class Transport(Protocol):
    """Sends each request once: no retries, no redirects, no cookies."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """Open the transport. ``headers`` are sent with every request, plus a content type if it has a body."""
        ...

    async def close(self) -> None: ...

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """Send a request; any exception means that no status arrived. ``trace`` records whether sending had started."""
        ...
