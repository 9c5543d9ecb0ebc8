"""Exit statuses, and errors as a person or a program reads them."""

import json
import sys
from collections.abc import Iterable
from enum import IntEnum

from batchrun.cli.text import inert, masked
from batchrun.errors import ApiError, BatchrunError, LedgerError, Problem

__all__ = ["ExitStatus", "show_problems", "status_of"]


class ExitStatus(IntEnum):
    """What the shell learns."""

    DONE = 0
    """Every run is submitted, or what was asked was told."""
    INCOMPLETE = 1
    """Some runs are rejected, failed or still unknown."""
    USAGE = 2
    """The manifest or the command is wrong; nothing was sent."""
    STOPPED = 3
    """Stopped early; can be resumed."""
    LEDGER = 4
    """The ledger cannot be used."""
    BUG = 70
    """batchrun itself failed."""
    INTERRUPTED = 130
    """Ctrl-C; can be resumed."""
    TERMINATED = 143
    """SIGTERM; can be resumed."""


def status_of(error: BatchrunError) -> ExitStatus:
    """The status that an error ends with."""
    match error:
        case LedgerError():
            return ExitStatus.LEDGER
        case ApiError():
            return ExitStatus.STOPPED
        case _:
            return ExitStatus.USAGE


def show_problems(problems: Iterable[Problem], status: ExitStatus, *, as_json: bool) -> None:
    """Every problem on a line of standard error; with ``--json`` also as the one document on standard output."""
    told = list(problems)
    for problem in told:
        print(f"error: {inert(problem.text())}", file=sys.stderr)  # noqa: T201 - no command got as far as its own output
    if as_json:
        document = {"problems": [problem.json() for problem in told], "exit_status": int(status)}
        print(masked(json.dumps(document, indent=2)))  # noqa: T201 - the same
