"""Which service to submit to: Wherobots Cloud, another base URL, or an emulator in this process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from batchrun.cli.loading import load_extra
from batchrun.cli.open_files import allow_open_files
from batchrun.engine.environment import values_used
from batchrun.errors import BatchrunError, UsageError
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.location import EMULATOR
from batchrun.ledger.reader import read_events
from batchrun.wherobots.settings import DEFAULT_TIMEOUT_S, ApiSettings, base_url_from, checked_base_url

__all__ = ["EMULATOR", "open_service", "service_name", "service_of_batch"]


def service_name(environ: Mapping[str, str], *, base_url: str | None, emulator: bool) -> str:
    """The service's name in the ledger: its base URL, or ``emulator``.

    Raises:
        UsageError: both options were given, or the URL is not usable.

    """
    if emulator and base_url is not None:
        raise UsageError("--emulator", "cannot be used with --base-url", "remove one of them")
    return EMULATOR if emulator else checked_base_url(base_url or base_url_from(environ))


def service_of_batch(batch: BatchEvent, environ: Mapping[str, str], *, base_url: str | None, emulator: bool) -> str:
    """As ``service_name``, for a batch that exists: the runs of one in the emulator are known to no other service.

    Raises:
        UsageError: both options were given, or the URL is not usable.

    """
    was_emulated = batch.base_url == EMULATOR and base_url is None
    return service_name(environ, base_url=base_url, emulator=emulator or was_emulated)


@contextmanager
def open_service(
    name: str, environ: Mapping[str, str], *, ledger: Path, timeout_s: float | None
) -> Iterator[ApiSettings]:
    """The settings for reaching the service. An emulator runs for as long as the context; its runs are kept beside the ledger.

    Raises:
        UsageError: the key or another setting is missing, or the emulator is not installed, or too few files may be open.

    """
    allow_open_files()  # before the ledger is opened, which would fail in words about its path
    hidden = _values_used(ledger, environ)
    if name != EMULATOR:
        yield replace(ApiSettings.from_environment(environ, base_url=name, timeout_s=timeout_s), hidden=hidden)
        return
    emulator_beside = load_extra("batchrun.emulator.beside:emulator_beside", extra="emulator", wanted_by="--emulator")
    with emulator_beside(ledger) as url:
        key = SecretStr("emulator-in-this-process")  # never the real key: the emulator accepts any
        yield ApiSettings(
            api_key=key, base_url=url, timeout_s=DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s, hidden=hidden
        )


def _values_used(ledger: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Environment values passed to a ledger's runs, if they are still set. A new batch's plan has its own."""
    try:
        batch = next(read_events(ledger), None)
    except BatchrunError:
        return ()
    return values_used(batch, environ) if isinstance(batch, BatchEvent) else ()
