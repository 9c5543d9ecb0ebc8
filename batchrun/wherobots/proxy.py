"""The proxy from the environment: which variable sets it, and whether it can be used."""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from batchrun.errors import SettingsError
from batchrun.wherobots.settings import is_loopback

if TYPE_CHECKING:  # loaded by those who use it
    import httpx

__all__ = ["NO_PROXY", "Proxy", "proxy_for"]

_FIX = "use http://HOST:PORT, or unset it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy; its URL never holds the password. An empty URL means no proxy."""

    url: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    source: str = ""
    """The environment variable that names it."""

    def describe(self) -> str:
        """``through the proxy http://proxy:3128 (HTTPS_PROXY)``; empty without a proxy."""
        return f"through the proxy {self.url} ({self.source})" if self.url else ""

    def headers(self) -> dict[str, str]:
        """What a ``CONNECT`` carries: user name and password, if there are any (RFC 7617)."""
        if not self.user:
            return {}
        token = b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {token}"}

    def for_httpx(self) -> "httpx.Proxy | None":
        """The same for httpx."""
        if not self.url:
            return None
        import httpx  # noqa: PLC0415 - as above

        return httpx.Proxy(self.url, auth=(self.user, self.password) if self.user else None)


NO_PROXY = Proxy()


def proxy_for(base_url: str, environ: Mapping[str, str] = os.environ) -> Proxy:
    """The proxy for a service.

    Raises:
        SettingsError: the environment names one that cannot be used. The message never shows a password.

    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    # Loopback always bypasses the proxy: NO_PROXY seldom lists it, and a proxy could not reach it anyway.
    if is_loopback(host) or proxy_bypass(host):
        return NO_PROXY
    proxies = getproxies()
    for scheme in (parts.scheme, "all"):
        if text := proxies.get(scheme):
            return _parsed(text.strip(), _source(scheme, environ))
    return NO_PROXY


def _source(scheme: str, environ: Mapping[str, str]) -> str:
    """The variable that was read: getproxies prefers lower case. On macOS and Windows there are settings of the system too."""
    name = f"{scheme}_proxy"
    return next((one for one in (name, name.upper()) if environ.get(one)), "the system's proxy settings")


def _parsed(text: str, source: str) -> Proxy:
    shown = text.rpartition("@")[2]
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(source, f"{shown!r} is not the URL of a proxy ({error})", _FIX) from None
    if not host or not all(one.isalnum() or one in ".-_:" for one in host):
        raise SettingsError(source, f"{shown!r} is not the URL of a proxy", _FIX)
    if parts.scheme not in {"http", "https"}:
        raise SettingsError(source, f"a proxy of type {parts.scheme} is not supported", _FIX)
    address = f"[{host}]" if ":" in host else host
    return Proxy(
        url=f"{parts.scheme}://{address}" + (f":{port}" if port is not None else ""),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        source=source,
    )
