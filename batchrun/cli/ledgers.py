"""Which ledger is meant: a ledger itself, or the sweep that it lies beside."""

from collections.abc import Iterable
from pathlib import Path

from batchrun.errors import LedgerError, UsageError
from batchrun.ledger.location import EMULATOR_SUFFIX, LEDGER_SUFFIX, default_ledger

__all__ = [
    "EMULATOR_SUFFIX",
    "LEDGER_SUFFIX",
    "PLAN_SUFFIX",
    "STDIN",
    "default_ledger",
    "find_ledger",
    "find_ledgers",
    "ledger_for",
]

STDIN = Path("-")
MANIFEST_SUFFIX = ".toml"
PLAN_SUFFIX = ".jsonl"
_PLAN_START = b'{"batchrun_plan"'


def ledger_for(sweep: Path, ledger: Path | None, *, emulator: bool = False) -> Path:
    """The ledger that was given, or the one beside the sweep.

    Raises:
        UsageError: the sweep was piped in, so nothing is beside it.

    """
    if ledger is None and sweep == STDIN:
        raise UsageError(
            "--ledger", "a sweep from standard input has no file, and no ledger beside it", "add --ledger PATH"
        )
    return ledger or default_ledger(sweep, emulator=emulator)


def find_ledger(path: Path, *, emulator: bool = False) -> Path:
    """The ledger at a path, or the one beside the sweep at that path; ``emulator`` means that of its emulator runs.

    Raises:
        LedgerError: the sweep has no ledger.

    """
    if not _is_sweep(path):
        return path
    ledger, other = default_ledger(path, emulator=emulator), default_ledger(path, emulator=not emulator)
    if ledger.exists():
        return ledger
    if other.exists():
        what, change = ("not", "leave out") if emulator else ("only", "add")
        fact = f"it was submitted {what} to the emulator: there is {other}, but no {ledger.name}"
        raise LedgerError(str(path), fact, f"{change} --emulator, or give the ledger")
    fact = f"it has no ledger: there is no {ledger}"
    raise LedgerError(str(path), fact, f"submit it first: batchrun submit {path}; or give the path of its ledger")


def find_ledgers(paths: Iterable[Path], *, emulator: bool = False) -> tuple[Path, ...]:
    """The ledgers meant by several paths, each once.

    Raises:
        LedgerError: a sweep has no ledger.

    """
    return tuple(dict.fromkeys(find_ledger(path, emulator=emulator) for path in paths))


def _is_sweep(path: Path) -> bool:
    """A manifest may be gone while its ledger remains, so the name decides where it can."""
    if path.name.endswith(LEDGER_SUFFIX):
        return False
    if path.suffix == MANIFEST_SUFFIX:
        return True
    if path.suffix == PLAN_SUFFIX:  # a saved plan, or a ledger that was named freely with --ledger
        return _start_of(path) == _PLAN_START
    return path.is_file() and any(default_ledger(path, emulator=either).exists() for either in (True, False))


def _start_of(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would wait for its writer
            return b""
        with path.open("rb") as file:
            return file.read(len(_PLAN_START))
    except OSError:
        return b""
