"""Carries requests over any httpx transport: its own, ASGI, a mock."""

from collections.abc import Mapping

import httpx

from batchrun.wherobots.transport import JSON, Reply, SendTrace, Timeouts

__all__ = ["HttpxTransport"]


class HttpxTransport:
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
