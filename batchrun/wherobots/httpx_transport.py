"""An adapter for httpx transports: httpx's own pool, ASGI applications, mocks."""

from collections.abc import Mapping

import httpx

from batchrun.wherobots.transport import JSON, Reply, SendTrace, Timeouts

__all__ = ["HttpxTransport"]


class HttpxTransport:
    """Sends requests through any ``httpx.AsyncBaseTransport``."""

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
        """Send a request and return the reply if at least its status arrived.

        Raises:
            Exception: whatever the transport raises when no status arrived.

        """
        headers = self._headers if body is None else {**self._headers, "Content-Type": JSON}
        # The transport is called directly: httpx.AsyncClient would add its own headers, cookies and redirect handling.
        request = httpx.Request(
            method, url, headers=headers, content=body, extensions={"timeout": self._timeout, "trace": trace}
        )
        try:
            response = await self._transport.handle_async_request(request)
        except httpx.ProxyError:
            trace.started = False  # the trace saw the CONNECT, which the proxy refused: the request itself was not sent
            raise
        except httpx.PoolTimeout:
            raise  # no connection was free, so there was nothing to trace
        except BaseException:
            # ASGI transports, mocks and wrappers ignore the trace: only a transport that traces can prove 'not sent'.
            trace.started = trace.started or not trace.is_reported
            raise
        try:
            return Reply(response.status_code, response.headers, await response.aread())
        except Exception as error:  # noqa: BLE001 - whatever broke the body, the status is known
            return Reply(response.status_code, response.headers, b"", broken=str(error) or type(error).__name__)
        finally:
            await response.aclose()
