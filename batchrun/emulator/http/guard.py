"""Which requests the emulator answers: only for its own host names, none from web pages, remote control only with the key.

A web page in a browser on this machine can send requests to loopback addresses, and, once its own host name has been made to
point there (DNS rebinding), read the answers.
"""

import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from batchrun.emulator.error_bodies import ErrorDetail
from batchrun.emulator.http.request_head import RequestHead
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.settings import is_loopback
from batchrun.wherobots.views import ErrorClass

__all__ = ["Guard", "guard_of"]

CONTROL = "/_emulator"
PUBLIC = frozenset({"/docs", "/openapi.json"})
"""Pages that say nothing of any run: a link from elsewhere may lead to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """``names`` are the host names of this emulator; None accepts any, for an application without a socket."""

    names: frozenset[str] | None = None
    any_address: bool = False
    """Whether any IP address may stand for this machine."""
    needs_key: bool = False
    """Whether other machines can reach it."""

    def refusal(self, head: RequestHead, path: str, settings: EmulatorSettings) -> tuple[int, ErrorDetail] | None:
        """Status and error for a request that is not answered, or None."""
        if self.names is not None and not _is_own_name(head.host, self.names, any_address=self.any_address):
            return 421, _error(f"{head.host!r} is not a name of this emulator", "Use the address that it printed.")
        if path in PUBLIC:
            return None
        if head.origin is not None or head.fetch_site not in {None, "none"}:
            return 403, _error("The emulator does not answer web pages", "Send the request from a program.")
        if self.needs_key and path.startswith(CONTROL) and (not head.key or head.key != settings.api_key):
            return 401, _error("Control calls need the API key where other machines can send them", "Send X-API-Key.")
        return None


def guard_of(host: str) -> Guard:
    """The guard of a server that listens on ``host``."""
    address = _address(host)
    is_wildcard = address is not None and address.is_unspecified
    names = {host.lower()} | ({socket.gethostname().lower()} if is_wildcard else set())
    return Guard(names=frozenset(names), any_address=is_wildcard, needs_key=not is_loopback(host))


@lru_cache(maxsize=256)  # called for every request, nearly always with the same header
def _is_own_name(host: str | None, names: frozenset[str], *, any_address: bool) -> bool:
    name = _name_of(host)
    if name is None:
        return False
    return name in names or is_loopback(name) or (any_address and _address(name) is not None)


def _name_of(host: str | None) -> str | None:
    """The name in a Host header, without its port."""
    try:
        name = urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _error(message: str, suggestion: str) -> ErrorDetail:
    return ErrorDetail(code=ErrorClass.BAD_REQUEST_ERROR, message=message, suggestion=suggestion)
