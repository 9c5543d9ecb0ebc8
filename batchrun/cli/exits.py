"""Exit statuses, and how errors are printed for people and for programs."""

import json
import sys
from collections.abc import Iterable
from enum import IntEnum

from batchrun.cli.text import masked, sanitized
from batchrun.errors import ApiError, BatchrunError, LedgerError, Problem

__all__ = ["ExitStatus", "show_problems", "status_of"]


class ExitStatus(IntEnum):
    """What the command returns to the shell; scripts rely on these numbers."""

    DONE = 0
    """Every run is submitted, or the command did what was asked."""
    INCOMPLETE = 1
    """Some runs are rejected, failed or still unknown."""
    USAGE = 2
    """The manifest or the command line is invalid; nothing was sent."""
    STOPPED = 3
    """Stopped early; resumable."""
    LEDGER = 4
    """The ledger cannot be used, or belongs to a different sweep or service."""
    BUG = 70
    """A bug in batchrun (``EX_SOFTWARE`` of BSD's sysexits)."""
    INTERRUPTED = 130
    """Ctrl-C, 128 + SIGINT as shells report it; resumable."""
    TERMINATED = 143
    """128 + SIGTERM, also after SIGHUP; resumable."""


def status_of(error: BatchrunError) -> ExitStatus:
    """The exit status for an error."""
    match error:
        case LedgerError():
            return ExitStatus.LEDGER
        case ApiError():
            return ExitStatus.STOPPED
        case _:
            return ExitStatus.USAGE


def show_problems(problems: Iterable[Problem], status: ExitStatus, *, as_json: bool) -> None:
    """Print each problem on a line of stderr; with ``--json`` also all of them as the one document on stdout."""
    listed = list(problems)
    for problem in listed:
        print(f"error: {sanitized(problem.text())}", file=sys.stderr)  # noqa: T201 - the command may have no Output yet
    if as_json:
        document = {"problems": [problem.json() for problem in listed], "exit_status": int(status)}
        print(masked(json.dumps(document, indent=2)))  # noqa: T201 - likewise
