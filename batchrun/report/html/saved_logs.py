"""The last error line of failed runs, from logs saved in a folder, one file per run."""

from collections.abc import Sequence
from pathlib import Path

from batchrun.errors import UsageError
from batchrun.files import open_regular
from batchrun.report.html.content import LastLine
from batchrun.report.rows import RunRow
from batchrun.tracking.log_errors import error_line
from batchrun.tracking.save_logs import LoggedRun, log_file_name

__all__ = ["last_error_in"]

TAIL_BYTES = 65_536
"""Of each log: an error that ended a run is at its end, and a log may be larger than memory."""
MAX_READ = 20
"""Logs read for one reason; runs that failed for one reason end alike."""


def last_error_in(folder: Path) -> LastLine:
    """Finds the last error line among the saved logs of some runs.

    Raises:
        UsageError: there is no such folder.

    """
    if not folder.is_dir():
        raise UsageError("--logs", f"{folder} is not a folder", "pass the folder that batchrun logs --save wrote")

    def last_line(rows: Sequence[RunRow]) -> str | None:
        lines = (_last_error(folder, row) for row in rows[:MAX_READ] if row.run_id is not None)
        return next((line for line in lines if line is not None), None)

    return last_line


def _last_error(folder: Path, row: RunRow) -> str | None:
    run = LoggedRun(name=row.name, run_id=row.run_id or "", generation=row.generation, is_final=True)
    path = folder / log_file_name(run)
    if path.parent != folder:  # a name from a ledger is not a path
        return None
    try:
        with open_regular(path) as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES)
    except (OSError, UsageError, ValueError):  # not saved, or a name that no file can have
        return None
    return error_line(tail.decode("utf-8", "replace").splitlines())
