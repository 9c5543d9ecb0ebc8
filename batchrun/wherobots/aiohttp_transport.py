"""The aiohttp transport: with many connections, an order of magnitude faster than httpx's own pool.

httpx's pool scans its connections for every request (encode/httpx#3215), and building httpx's request and response
objects costs as much again as aiohttp's whole exchange. Measurements are in docs/transports.md.
"""

import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp import ClientTimeout
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.payload import BytesPayload
from aiohttp.tracing import Trace
from typing_extensions import override
from yarl import URL

from batchrun.wherobots.proxy import NO_PROXY, Proxy
from batchrun.wherobots.resolver import DaemonResolver
from batchrun.wherobots.total_timeout import TotalTimeout
from batchrun.wherobots.transport import (
    JSON,
    SMALL_BYTES,
    Reply,
    ReplyError,
    SendTrace,
    Timeouts,
    broken_reply,
    check_encoding,
    read_body,
)

__all__ = ["AiohttpTransport"]

KEEPALIVE_S = 30.0  # below the 60 s after which common load balancers drop an idle connection

# The connector sees requests, not their traces; a context variable is per task, so concurrent requests do not mix.
_trace: ContextVar[SendTrace] = ContextVar("_trace")


class _Connector(aiohttp.TCPConnector):
    """Marks a request's trace as started once it has a connection: before that, no byte can have been sent."""

    @override
    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _trace.get().started = True
        return connection


class AiohttpTransport:
    """A pool of at most ``connections``. Compression is neither requested nor undone."""

    def __init__(
        self, timeouts: Timeouts, *, connections: int, tls: ssl.SSLContext | bool, proxy: Proxy = NO_PROXY
    ) -> None:
        self.route = proxy.describe()
        self._connections = connections
        self._tls = tls
        self._proxy = proxy
        # connect covers everything up to a usable connection: DNS, TCP, a proxy's tunnel, TLS. The total covers the body
        # too: a timeout for each read would start anew with each byte.
        self._total_s = timeouts.total_s
        self._total = TotalTimeout(timeouts.total_s)
        self._timeout = ClientTimeout(total=None, connect=timeouts.connect_s)
        self._session: aiohttp.ClientSession | None = None
        self._each: dict[str, Any] = {}
        """What is passed with each request."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """Create the session, with the headers unless there is a proxy: aiohttp would send them with ``CONNECT`` too."""
        if self._proxy.url:
            # The password is passed apart from the URL, which errors show.
            self._each = {"headers": headers, "proxy": self._proxy.url, "proxy_headers": self._proxy.headers()}
        self._session = aiohttp.ClientSession(
            headers=None if self._proxy.url else headers,
            timeout=self._timeout,
            connector=_Connector(
                limit=self._connections, ssl=self._tls, keepalive_timeout=KEEPALIVE_S, resolver=DaemonResolver()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # a cookie could pin a batch to one backend
            auto_decompress=False,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._total.close()

    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        """Send a request and return the reply if at least its status arrived.

        Raises:
            aiohttp.ClientError, TimeoutError: no status arrived.

        """
        answer: aiohttp.ClientResponse | None = None
        try:
            with self._total.begin():
                answer = await self._respond(method, url, body, trace)
                content = await _body(answer, most_bytes)
        except (aiohttp.ClientError, OSError, ReplyError) as error:  # a TimeoutError is an OSError
            if answer is None:
                raise
            return broken_reply(answer.status, answer.headers, error, self._total_s)
        finally:
            if answer is not None and not answer.closed:  # with its end, the connection goes back to the pool by itself
                answer.release()
        return Reply(answer.status, answer.headers, content)

    async def _respond(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("the transport is not open")
        _trace.set(trace)
        try:
            return await self._session.request(
                method,
                URL(url, encoded=True),  # already quoted: quoting twice would change names
                data=None if body is None else BytesPayload(body, content_type=JSON),
                allow_redirects=False,
                **self._each,
            )
        except aiohttp.ClientHttpProxyError:
            raise
        except aiohttp.ClientResponseError as error:  # its text begins with a status, 400, that nobody sent
            raise aiohttp.ClientPayloadError(f"the response is not valid HTTP: {error.message}") from None


async def _body(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The body within its bound. Mostly it arrived with the head, and waiting for its pieces would only cost time."""
    check_encoding(answer.headers)
    content = answer.content
    if content.is_eof() and content.total_bytes <= SMALL_BYTES:
        return content.read_nowait()
    return await read_body(answer.status, content.iter_any(), most_bytes)
