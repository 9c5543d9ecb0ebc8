"""Carries requests over aiohttp: many times faster with many connections than httpx's own pool.

httpx's pool does work for every request that grows with the number of its connections; aiohttp's does not, and building
httpx's request and response objects costs as much again as aiohttp's whole exchange.
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

KEEPALIVE_S = 30.0

_trace: ContextVar[SendTrace] = ContextVar("_trace")


class _Connector(aiohttp.TCPConnector):
    """Tells a request's trace when a connection was found for it: before that, nothing of it can have left."""

    @override
    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _trace.get().started = True
        return connection


class AiohttpTransport:
    """A pool of at most ``connections``. Reply bodies come as they are: no encoding is asked for."""

    def __init__(self, timeouts: Timeouts, *, connections: int, tls: ssl.SSLContext | bool, proxy: str | None) -> None:
        self._connections = connections
        self._tls = tls
        self._proxy = proxy
        # connect bounds the whole search for a connection: names, TCP, a proxy's tunnel, TLS.
        self._timeout = ClientTimeout(total=None, connect=timeouts.connect_s, sock_read=timeouts.read_s)
        self._session: aiohttp.ClientSession | None = None
        self._headers: Mapping[str, str] | None = None
        """What each request is given; None where the session has them already."""

    async def open(self, headers: Mapping[str, str]) -> None:
        """Let the session have the headers, which is cheaper, unless there is a proxy: it would be sent them, too."""
        self._headers = None if self._proxy is None else headers
        self._session = aiohttp.ClientSession(
            headers=headers if self._proxy is None else None,
            timeout=self._timeout,
            connector=_Connector(limit=self._connections, ssl=self._tls, keepalive_timeout=KEEPALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding",),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """The reply, when at least its status came.

        Raises:
            aiohttp.ClientError, TimeoutError: no status came.

        """
        if self._session is None:
            raise RuntimeError("the transport is not open")
        _trace.set(trace)
        answer = await self._session.request(
            method,
            URL(url, encoded=True),
            data=None if body is None else BytesPayload(body, content_type=JSON),
            headers=self._headers,
            allow_redirects=False,
            proxy=self._proxy,
        )
        try:  # reading gives the connection back, or closes it
            return Reply(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            return Reply(answer.status, answer.headers, b"", broken=str(error) or type(error).__name__)
