"""What carries one request to the service and its reply back: the seam under the client.

``httpx_transport`` adapts any httpx transport to it; ``aiohttp_transport`` is the fast one. The class of an exception does
not reveal whether the server saw a request, so a transport reports it: if no byte of the request had started to leave, it
was not sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

__all__ = ["JSON", "Reply", "SendTrace", "Timeouts", "Transport"]

JSON = "application/json"


class SendTrace:
    """Remembers whether a request started to leave; an httpx ``trace`` extension, too."""

    __slots__ = ("started",)

    def __init__(self) -> None:
        self.started = False

    async def __call__(self, step: str, info: Mapping[str, Any]) -> None:
        del info
        if step.endswith("send_request_headers.started"):
            self.started = True


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for each next piece of a reply."""

    connect_s: float
    read_s: float


class Headers(Protocol):
    """Header fields; names in any case."""

    def get(self, key: str, /) -> str | None: ...


class Reply(msgspec.Struct, frozen=True):
    """A status with its headers; ``broken`` says why the body could not be read, and the body is empty then."""

    status: int
    headers: Headers
    body: bytes
    broken: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - 2xx


class Transport(Protocol):
    """Sends a request once: no retry, no redirect, no cookie."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """``headers`` go with every request; a request with a body says besides that it is JSON."""
        ...

    async def close(self) -> None: ...

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """The reply, when at least its status came. Any exception means that none did; ``trace`` tells what had left."""
        ...
