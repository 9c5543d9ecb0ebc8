"""An adapter for httpx transports: httpx's own pool, ASGI applications, mocks."""

import ssl
from collections.abc import AsyncIterable, Mapping
from contextlib import aclosing

import anyio
import httpx

from batchrun.wherobots.proxy import Proxy
from batchrun.wherobots.transport import (
    JSON,
    SMALL_BYTES,
    Reply,
    SendTrace,
    Timeouts,
    broken_reply,
    check_encoding,
    read_body,
)

__all__ = ["HttpxTransport", "new_pool"]


def new_pool(
    *, connections: int, keepalive_s: float, tls: ssl.SSLContext | bool, proxy: Proxy
) -> httpx.AsyncHTTPTransport:
    """Httpx's own pool."""
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=keepalive_s
    )
    # retries=0: httpx would only retry connecting, but the engine decides what is retried.
    return httpx.AsyncHTTPTransport(verify=tls, proxy=proxy.for_httpx(), limits=limits, retries=0)


class HttpxTransport:
    """Sends requests through any ``httpx.AsyncBaseTransport``. ``route`` is the way to the service, for errors."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeouts: Timeouts, *, route: str = "") -> None:
        self.route = route
        self._transport = transport
        self._total_s = timeouts.total_s
        # No read timeout: it would start anew with each byte. The total bounds everything, reading included. It must not
        # end a TLS handshake, since httpcore closes the connection then only for a timeout of its own.
        self._timeout = httpx.Timeout(None, connect=min(timeouts.connect_s, timeouts.total_s / 3)).as_dict()
        self._headers: Mapping[str, str] = {}

    async def open(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        await self._transport.__aenter__()

    async def close(self) -> None:
        await self._transport.__aexit__(None, None, None)

    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        """Send a request and return the reply if at least its status arrived.

        Raises:
            TimeoutError: no status arrived in time.
            Exception: whatever else the transport raises when no status arrived.

        """
        headers = self._headers if body is None else {**self._headers, "Content-Type": JSON}
        # The transport is called directly: httpx.AsyncClient would add its own headers, cookies and redirect handling.
        request = httpx.Request(
            method, url, headers=headers, content=body, extensions={"timeout": self._timeout, "trace": trace}
        )
        deadline_s = anyio.current_time() + self._total_s
        response = await self._respond(request, trace, deadline_s)
        async with aclosing(response):
            return await self._reply(response, most_bytes, deadline_s)

    async def _respond(self, request: httpx.Request, trace: SendTrace, deadline_s: float) -> httpx.Response:
        try:
            with anyio.fail_after(deadline_s - anyio.current_time()):
                return await self._transport.handle_async_request(request)
        except httpx.ProxyError:
            trace.started = False  # the trace saw the CONNECT, which the proxy refused: the request itself was not sent
            raise
        except httpx.PoolTimeout:
            raise  # no connection was free, so there was nothing to trace
        except BaseException:
            # ASGI transports, mocks and wrappers ignore the trace: only a transport that traces can prove 'not sent'.
            trace.started = trace.started or not trace.is_reported
            raise

    async def _reply(self, response: httpx.Response, most_bytes: int, deadline_s: float) -> Reply:
        status = response.status_code
        try:
            check_encoding(response.headers)
            with anyio.fail_after(deadline_s - anyio.current_time()):
                return Reply(status, response.headers, await read_body(status, _pieces(response), most_bytes))
        except Exception as error:  # noqa: BLE001 - whatever broke the body, the status is known
            return broken_reply(status, response.headers, error, self._total_s)


def _pieces(response: httpx.Response) -> AsyncIterable[bytes]:
    """The body as it arrives; ``aiter_bytes`` would decompress it."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        return response.stream
    raise TypeError("the transport's response cannot be read asynchronously")
