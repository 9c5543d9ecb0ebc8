"""Which service is meant: the cloud, another base URL, or an emulator in this process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import SecretStr

from batchrun.cli.loading import load_extra
from batchrun.errors import UsageError
from batchrun.wherobots.settings import DEFAULT_TIMEOUT_S, ApiSettings, base_url_from, checked_base_url

__all__ = ["EMULATOR", "open_service", "service_name"]

EMULATOR = "emulator"
"""What the ledger calls an emulator in the submitting process: its port is another one each time."""


def service_name(environ: Mapping[str, str], *, base_url: str | None, emulator: bool) -> str:
    """What the ledger calls the service that is meant.

    Raises:
        UsageError: both were given, or the URL cannot be used.

    """
    if emulator and base_url is not None:
        raise UsageError("--emulator", "it has an address of its own", "leave --base-url out")
    return EMULATOR if emulator else checked_base_url(base_url or base_url_from(environ))


@contextmanager
def open_service(name: str, environ: Mapping[str, str], *, timeout_s: float | None) -> Iterator[ApiSettings]:
    """How to reach it; an emulator lives as long as the context.

    Raises:
        UsageError: the key or another setting is missing, or the emulator is not installed.

    """
    if name != EMULATOR:
        yield ApiSettings.from_environment(environ, base_url=name, timeout_s=timeout_s)
        return
    server = load_extra("batchrun.emulator.http.server:EmulatorServer", extra="emulator", wanted_by="--emulator")
    with server() as running:
        key = SecretStr("emulator-in-this-process")
        yield ApiSettings(api_key=key, base_url=running.url, timeout_s=timeout_s or DEFAULT_TIMEOUT_S)
