"""Choosing and configuring a transport: proxies and certificates come from the environment."""

import os
import ssl
from enum import StrEnum
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from batchrun.errors import SettingsError
from batchrun.wherobots.aiohttp_transport import KEEPALIVE_S, AiohttpTransport
from batchrun.wherobots.httpx_transport import HttpxTransport
from batchrun.wherobots.settings import CONNECT_TIMEOUT_S, ApiSettings, is_loopback
from batchrun.wherobots.transport import Timeouts, Transport

__all__ = ["TransportKind", "chosen_kind", "open_transport", "timeouts_of"]


class TransportKind(StrEnum):
    """The available transports."""

    AIOHTTP = "aiohttp"
    """The default; its speed does not depend on the number of connections."""
    HTTPX = "httpx"
    """httpx's own pool; it becomes slower with every connection."""


def open_transport(settings: ApiSettings, *, connections: int, kind: TransportKind | None = None) -> Transport:
    """A transport for ``connections`` concurrent requests.

    ``kind`` defaults to ``BATCHRUN_TRANSPORT``, else to aiohttp. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace the
    trusted certificates, as they do for httpx.

    Raises:
        SettingsError: the transport is unknown, or the certificates cannot be read.

    """
    timeouts = timeouts_of(settings)
    tls, proxy = _tls_context(settings.base_url), _proxy_for(settings.base_url)
    if (kind or chosen_kind()) is TransportKind.AIOHTTP:
        return AiohttpTransport(timeouts, connections=connections, tls=tls, proxy=proxy)
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEPALIVE_S
    )
    # retries=0: httpx would only retry connecting, but the engine decides what is retried.
    return HttpxTransport(httpx.AsyncHTTPTransport(verify=tls, proxy=proxy, limits=limits, retries=0), timeouts)


def timeouts_of(settings: ApiSettings) -> Timeouts:
    """Connecting takes at most ten seconds; a reply may take the whole request timeout."""
    return Timeouts(connect_s=min(CONNECT_TIMEOUT_S, settings.timeout_s), read_s=settings.timeout_s)


def chosen_kind() -> TransportKind:
    """The transport named by ``BATCHRUN_TRANSPORT``, else aiohttp.

    Raises:
        SettingsError: the transport is unknown.

    """
    name = os.environ.get("BATCHRUN_TRANSPORT") or TransportKind.AIOHTTP
    try:
        return TransportKind(name)
    except ValueError:
        known = " or ".join(TransportKind)
        raise SettingsError("BATCHRUN_TRANSPORT", f"unknown transport {name!r}", f"use {known}") from None


def _tls_context(base_url: str) -> ssl.SSLContext | bool:
    if not base_url.startswith("https:"):
        return True  # not used without https
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not (file or folder):
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:
        place = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise SettingsError(place, f"{file or folder} cannot be read: {error}", "name a PEM file") from None


def _proxy_for(base_url: str) -> str | None:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    # Loopback always bypasses the proxy: NO_PROXY seldom lists it, and a proxy could not reach it anyway.
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
