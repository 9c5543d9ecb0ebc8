"""Find a ledger from its own path or from its sweep's path."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from batchrun.errors import LedgerError
from batchrun.ledger.location import LEDGER_SUFFIX, MANIFEST_SUFFIX, PLAN_START, PLAN_SUFFIX, default_ledger

__all__ = ["find_ledger", "find_ledgers"]


def find_ledger(path: Path, *, emulator: bool = False) -> Path:
    """The ledger at a path, or the one beside the sweep at that path; ``emulator`` means that of its emulator runs.

    Raises:
        LedgerError: there is no such file, or the sweep has no ledger.

    """
    if not _is_sweep(path):
        if _is_missing(path):
            raise _no_file(path)
        return path
    ledger, other = default_ledger(path, emulator=emulator), default_ledger(path, emulator=not emulator)
    if ledger.exists():
        return ledger
    if other.exists():
        what, change = ("not", "omit") if emulator else ("only", "add")
        fact = f"it was submitted {what} to the emulator: {other} exists, but {ledger.name} does not"
        raise LedgerError(str(path), fact, f"{change} --emulator, or pass the ledger's path")
    if _is_missing(path):
        raise _no_file(path)
    fact = f"it has no ledger: {ledger} does not exist"
    command = f"batchrun submit {path}{' --emulator' if emulator else ''}"
    raise LedgerError(str(path), fact, f"run {command} first, or pass the path of its ledger")


def find_ledgers(paths: Iterable[Path], *, emulator: bool = False) -> tuple[Path, ...]:
    """The ledgers meant by several paths, each once.

    Raises:
        LedgerError: there is no such file, or a sweep has no ledger.

    """
    return tuple(dict.fromkeys(find_ledger(path, emulator=emulator) for path in paths))


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:  # whoever reads it says why it cannot be
        return False
    return False


def _no_file(path: Path) -> LedgerError:
    """With what was probably meant: the sweep or ledger in its folder whose name is closest."""
    close = get_close_matches(path.name, _names_in(path.parent), 1)
    fix = f"did you mean {path.with_name(close[0])}?" if close else "pass the path of a ledger, or of its sweep"
    return LedgerError(str(path), "no such file", fix)


def _names_in(folder: Path) -> Iterator[str]:
    try:
        yield from (one.name for one in folder.iterdir() if one.suffix in {MANIFEST_SUFFIX, PLAN_SUFFIX})
    except OSError:
        return


def _is_sweep(path: Path) -> bool:
    """A manifest may be gone while its ledger remains, so the name decides where it can."""
    if path.name.endswith(LEDGER_SUFFIX):
        return False
    if path.suffix == MANIFEST_SUFFIX:
        return True
    if path.suffix == PLAN_SUFFIX:  # a saved plan, or a ledger that was named freely with --ledger
        return _start_of(path) == PLAN_START
    return path.is_file() and any(default_ledger(path, emulator=either).exists() for either in (True, False))


def _start_of(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would wait for its writer
            return b""
        with path.open("rb") as file:
            return file.read(len(PLAN_START))
    except OSError:
        return b""
