"""What carries one request to the service and its reply back: the seam under the client.

Any httpx transport is a carrier by way of ``HttpxCarrier``; ``aiohttp_carrier`` is the fast one. An exception's class does
not tell whether the server saw a request, so a carrier reports it: nothing of the request had started to leave means
unsent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import msgspec

__all__ = ["JSON", "Carrier", "HttpxCarrier", "Reply", "SendTrace", "Timeouts"]

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


class Carrier(Protocol):
    """Sends a request once: no retry, no redirect, no cookie."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """``headers`` go with every request; a request with a body says besides that it is JSON."""
        ...

    async def close(self) -> None: ...

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """The reply, when at least its status came. Any exception means that none did; ``trace`` tells what had left."""
        ...


class HttpxCarrier:
    """Carries requests over any httpx transport: its own, ASGI, a mock."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeouts: Timeouts) -> None:
        self._transport = transport
        self._timeout = httpx.Timeout(timeouts.read_s, connect=timeouts.connect_s, pool=None).as_dict()
        self._headers: Mapping[str, str] = {}

    async def open(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        await self._transport.__aenter__()

    async def close(self) -> None:
        await self._transport.__aexit__(None, None, None)

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """The reply, when at least its status came.

        Raises:
            Exception: whatever the transport raises; no status came.

        """
        headers = self._headers if body is None else {**self._headers, "Content-Type": JSON}
        request = httpx.Request(
            method, url, headers=headers, content=body, extensions={"timeout": self._timeout, "trace": trace}
        )
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.ProxyError:
            trace.started = False  # what was traced is the proxy's own CONNECT: it said no, and the request stayed here
            raise
        try:
            return Reply(response.status_code, response.headers, await response.aread())
        except Exception as error:  # noqa: BLE001 - the status is known; the body is not
            return Reply(response.status_code, response.headers, b"", broken=str(error) or type(error).__name__)
        finally:
            await response.aclose()
