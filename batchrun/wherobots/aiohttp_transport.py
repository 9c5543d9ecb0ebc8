"""The aiohttp transport: with many connections, an order of magnitude faster than httpx's own pool.

httpx's pool scans its connections for every request (encode/httpx#3215), and building httpx's request and response
objects costs as much again as aiohttp's whole exchange. Measurements are in docs/transports.md.
"""

import ssl
from collections.abc import Mapping
from contextvars import ContextVar

import aiohttp
from aiohttp import ClientTimeout
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.payload import BytesPayload
from aiohttp.tracing import Trace
from typing_extensions import override
from yarl import URL

from batchrun.wherobots.transport import JSON, Reply, SendTrace, Timeouts

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
    """A pool of at most ``connections``. Compression is not requested: replies are small."""

    def __init__(self, timeouts: Timeouts, *, connections: int, tls: ssl.SSLContext | bool, proxy: str | None) -> None:
        self._connections = connections
        self._tls = tls
        self._proxy = proxy
        # connect covers everything up to a usable connection: DNS, TCP, a proxy's tunnel, TLS.
        self._timeout = ClientTimeout(total=None, connect=timeouts.connect_s, sock_read=timeouts.read_s)
        self._session: aiohttp.ClientSession | None = None
        self._headers: Mapping[str, str] | None = None
        """Headers passed with each request; None if the session adds them."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """Create the session, with the headers unless there is a proxy: aiohttp would send them with ``CONNECT`` too."""
        self._headers = None if self._proxy is None else headers
        self._session = aiohttp.ClientSession(
            headers=headers if self._proxy is None else None,
            timeout=self._timeout,
            connector=_Connector(limit=self._connections, ssl=self._tls, keepalive_timeout=KEEPALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),  # a cookie could pin a batch to one backend
            skip_auto_headers=("Accept-Encoding",),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """Send a request and return the reply if at least its status arrived.

        Raises:
            aiohttp.ClientError, TimeoutError: no status arrived.

        """
        if self._session is None:
            raise RuntimeError("the transport is not open")
        _trace.set(trace)
        answer = await self._session.request(
            method,
            URL(url, encoded=True),  # already quoted: quoting twice would change names
            data=None if body is None else BytesPayload(body, content_type=JSON),
            headers=self._headers,
            allow_redirects=False,
            proxy=self._proxy,
        )
        try:  # reading to the end returns the connection to the pool; an error closes it
            return Reply(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            return Reply(answer.status, answer.headers, b"", broken=str(error) or type(error).__name__)
