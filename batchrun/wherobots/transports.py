"""Choosing and configuring a transport: proxies and certificates come from the environment."""

import os
import ssl
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, cast

import certifi

from batchrun.errors import SettingsError
from batchrun.wherobots.aiohttp_transport import KEEPALIVE_S, AiohttpTransport
from batchrun.wherobots.proxy import proxy_for
from batchrun.wherobots.settings import CONNECT_TIMEOUT_S, ApiSettings
from batchrun.wherobots.transport import Timeouts, Transport

if TYPE_CHECKING:  # a tenth of a second to import, and the default transport does without it
    import httpx

__all__ = [
    "DEFAULT_CONNECTIONS",
    "TransportKind",
    "as_transport",
    "chosen_kind",
    "is_timeout",
    "open_transport",
    "timeouts_of",
    "tls_context",
]

DEFAULT_CONNECTIONS = 18
"""Enough for the default ``concurrency`` of 16, and two read requests beside them."""


class TransportKind(StrEnum):
    """The available transports."""

    AIOHTTP = "aiohttp"
    """The default; its speed does not depend on the number of connections."""
    HTTPX = "httpx"
    """httpx's own pool; it becomes slower with every connection."""


def open_transport(
    settings: ApiSettings, *, connections: int = DEFAULT_CONNECTIONS, kind: TransportKind | None = None
) -> Transport:
    """Create a transport for up to ``connections`` concurrent requests; the default suits default ``SubmitSettings``.

    ``kind`` defaults to ``BATCHRUN_TRANSPORT``, or else to aiohttp. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace the
    trusted certificates, as they do for httpx. ``SSLKEYLOGFILE`` is ignored: whoever can read such a file can read the
    API key in recorded traffic.

    Raises:
        SettingsError: the transport is unknown, the certificates cannot be read, or the proxy cannot be used.

    """
    timeouts = timeouts_of(settings)
    tls, proxy = tls_context(settings.base_url), proxy_for(settings.base_url)
    if (kind or chosen_kind()) is TransportKind.AIOHTTP:
        return AiohttpTransport(timeouts, connections=connections, tls=tls, proxy=proxy)
    from batchrun.wherobots.httpx_transport import HttpxTransport, new_pool  # noqa: PLC0415 - as above

    pool = new_pool(connections=connections, keepalive_s=KEEPALIVE_S, tls=tls, proxy=proxy)
    return HttpxTransport(pool, timeouts, route=proxy.describe())


def as_transport(transport: "Transport | httpx.AsyncBaseTransport", timeouts: Timeouts) -> Transport:
    """The transport itself, or an adapter for one of httpx."""
    if "httpx" in sys.modules:  # whoever made a transport of httpx has imported it
        import httpx  # noqa: PLC0415 - as above

        from batchrun.wherobots.httpx_transport import HttpxTransport  # noqa: PLC0415 - as above

        if isinstance(transport, httpx.AsyncBaseTransport):
            return HttpxTransport(transport, timeouts)
    return cast("Transport", transport)


def is_timeout(error: Exception) -> bool:
    """Whether any transport's error means that time ran out."""
    return isinstance(error, TimeoutError | getattr(sys.modules.get("httpx"), "TimeoutException", TimeoutError))


def timeouts_of(settings: ApiSettings) -> Timeouts:
    """Connecting takes at most ten seconds; everything together at most the request timeout."""
    return Timeouts(connect_s=min(CONNECT_TIMEOUT_S, settings.timeout_s), total_s=settings.timeout_s)


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


def tls_context(base_url: str) -> ssl.SSLContext | bool:
    """The trusted certificates for a base URL; True where TLS is not used.

    Raises:
        SettingsError: the certificates cannot be read.

    """
    if not base_url.startswith("https:"):
        return True  # not used without https
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        return _context(*((file or None, folder or None) if file or folder else (certifi.where(), None)))
    except OSError as error:
        place = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise SettingsError(place, f"{file or folder} cannot be read: {error}", "set it to a PEM file") from None


def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    """As ``ssl.create_default_context``, which would also write the secrets of each connection to ``SSLKEYLOGFILE``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificates and host names
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(file, folder)
    return context
