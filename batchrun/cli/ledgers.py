"""The ledger that a command writes to."""

from pathlib import Path

from batchrun.errors import UsageError
from batchrun.ledger.location import default_ledger

__all__ = ["STDIN", "ledger_for"]

STDIN = Path("-")


def ledger_for(sweep: Path, ledger: Path | None, *, emulator: bool = False) -> Path:
    """The ledger that was given, or the one beside the sweep.

    Raises:
        UsageError: the sweep was piped in, so nothing is beside it.

    """
    if ledger is None and sweep == STDIN:
        raise UsageError("--ledger", "a sweep read from standard input has no default ledger path", "add --ledger PATH")
    return ledger or default_ledger(sweep, emulator=emulator)
