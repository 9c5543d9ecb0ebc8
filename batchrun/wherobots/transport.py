"""What carries a request: the httpx transport, and the proof that nothing of a request was sent.

An exception's class does not tell whether the server saw a request. httpx's own transport reports its steps through the
``trace`` extension, so the line is drawn there: nothing of the request had started to leave means unsent.
"""

import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from batchrun.wherobots.settings import ApiSettings, is_loopback

__all__ = ["SendTrace", "open_transport"]


class SendTrace:
    """Remembers whether a request started to leave; goes with a request as its ``trace`` extension."""

    __slots__ = ("started",)

    def __init__(self) -> None:
        self.started = False

    async def __call__(self, step: str, info: Mapping[str, Any]) -> None:
        del info
        if step.endswith("send_request_headers.started"):
            self.started = True


def open_transport(settings: ApiSettings, *, connections: int) -> httpx.AsyncBaseTransport:
    """A transport for ``connections`` requests at once, with the environment's proxy and certificates.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name further certificates, as they do for httpx.
    """
    return httpx.AsyncHTTPTransport(
        verify=_tls_context(settings.base_url),
        proxy=_proxy_for(settings.base_url),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30.0),
        retries=0,
    )


def _tls_context(base_url: str) -> ssl.SSLContext | bool:
    if not base_url.startswith("https:"):
        return False
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(
            cafile=os.environ.get("SSL_CERT_FILE") or None, capath=os.environ.get("SSL_CERT_DIR") or None
        )
    return httpx.create_ssl_context()


def _proxy_for(base_url: str) -> str | None:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
