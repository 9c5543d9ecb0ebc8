"""Settings of the API client: base URL, API key, timeout."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from batchrun.errors import SettingsError
from batchrun.redaction import credentials_of

__all__ = [
    "DEFAULT_BASE_URL",
    "DEFAULT_TIMEOUT_S",
    "ApiSettings",
    "base_url_source",
    "checked_base_url",
    "is_loopback",
    "is_same_service",
]

DEFAULT_BASE_URL = "https://api.cloud.wherobots.com"
BASE_URL_NAMES = ("WHEROBOTS_API_BASE_URL", "WHEROBOTS_API_URL")
DEFAULT_TIMEOUT_S = 30.0  # as in the service's own SDK
CONNECT_TIMEOUT_S = 10.0  # leaves room for three TCP SYN retransmissions, after 1, 3 and 7 s


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """How to reach the Runs API. ``repr`` masks the key."""

    api_key: SecretStr | str
    """Stored as a ``SecretStr``, even if passed as plain text."""
    base_url: str = DEFAULT_BASE_URL
    """The service's URL: everything before ``/runs``."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    """Seconds for one request, from its start to the last byte of its response."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Additional text to mask in responses, such as environment values that were passed to runs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", checked_base_url(self.base_url))
        object.__setattr__(self, "api_key", SecretStr(_checked_key(self.secret)))
        if not (self.timeout_s > 0 and math.isfinite(self.timeout_s)):
            raise SettingsError(
                "request timeout", f"{self.timeout_s} is not a number of seconds", "use a number greater than 0"
            )

    @property
    def secret(self) -> str:
        """The key itself, for the one place that sends it and the one that masks it."""
        return self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else self.api_key

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: this key, and credentials in the environment."""
        return (self.secret, *credentials_of())

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], *, base_url: str | None = None, timeout_s: float | None = None
    ) -> "ApiSettings":
        """Read settings from the ``WHEROBOTS_*`` environment variables; arguments override them.

        Raises:
            SettingsError: the key is missing, or a value cannot be used.

        """
        return cls(
            api_key=SecretStr(environ.get("WHEROBOTS_API_KEY", "")),
            base_url=base_url or base_url_from(environ),
            timeout_s=timeout_s if timeout_s is not None else _timeout_from(environ),
        )


def base_url_from(environ: Mapping[str, str]) -> str:
    """The base URL from the environment, else the default.

    The service's command-line client reads ``WHEROBOTS_API_URL``; its SDK reads ``WHEROBOTS_API_BASE_URL``.
    """
    return next((environ[name] for name in BASE_URL_NAMES if environ.get(name)), DEFAULT_BASE_URL)


def base_url_source(environ: Mapping[str, str]) -> str:
    """The variable that ``base_url_from`` reads, or ``default``."""
    return next((name for name in BASE_URL_NAMES if environ.get(name)), "default")


def checked_base_url(url: str) -> str:
    """The URL without a trailing slash, if the API key may be sent there.

    Raises:
        SettingsError: it is neither https nor a loopback address, or is not a valid base URL.

    """
    place = "base URL"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(place, f"{_without_user(url)!r} is not a URL ({error})", _URL_FIX) from None
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            place, "it contains a user name or password", "set the API key in WHEROBOTS_API_KEY instead"
        )
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise SettingsError(place, f"{url!r} is not the base URL of an API", _URL_FIX)
    # The service's SDK refuses http:// altogether; loopback is allowed here for the emulator and for tests.
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(place, f"{url!r} is not https, so the API key would be sent unencrypted", _URL_FIX)
    return url.rstrip("/")


_URL_FIX = "use https://…, or http:// with a loopback address such as 127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_same_service(one: str, other: str) -> bool:
    """Whether two base URLs name the same service: ``localhost``, ``127.0.0.1`` and ``[::1]`` are all this machine."""
    return one == other or _normal(one) == _normal(other)


_DEFAULT_PORTS = {"https": 443, "http": 80}


def _normal(url: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # as in a damaged ledger: it equals nothing but itself
        return url, "", None, ""
    host = "localhost" if host in {"127.0.0.1", "::1"} else host.rstrip(".")
    return parts.scheme, host, port or _DEFAULT_PORTS.get(parts.scheme), parts.path.rstrip("/")


def _without_user(url: str) -> str:
    return url.rsplit("@", 1)[-1]


def _checked_key(key: str) -> str:
    value = key.strip()
    if not value:
        raise SettingsError("WHEROBOTS_API_KEY", "no API key is set", "export WHEROBOTS_API_KEY=… or use --emulator")
    # A line break in a header value would be refused by the HTTP library with the key in its message.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise SettingsError(
            "WHEROBOTS_API_KEY", "it contains characters that API keys never contain", "copy the key again"
        )
    return value


def _timeout_from(environ: Mapping[str, str]) -> float:
    text = environ.get("WHEROBOTS_REQUEST_TIMEOUT_SECONDS", "")
    if not text:
        return DEFAULT_TIMEOUT_S
    try:
        return float(text)
    except ValueError:
        place = "WHEROBOTS_REQUEST_TIMEOUT_SECONDS"
        raise SettingsError(place, f"{text!r} is not a number", "use seconds, such as 30") from None
