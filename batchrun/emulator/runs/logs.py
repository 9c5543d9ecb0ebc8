"""The log of a run as a function of its life and the moment. Pure."""

from collections.abc import Sequence

from batchrun.emulator.runs.lifecycle import HeldRun
from batchrun.emulator.runs.views import moment_text
from batchrun.wherobots.views import LogItem, LogsResponse, RunStatus

__all__ = ["log_lines", "log_page"]

MAX_PAGE_LINES = 1000
_LAST_WORDS = {
    RunStatus.COMPLETED: "Run completed",
    RunStatus.FAILED: "Traceback (most recent call last): RuntimeError: this run was meant to fail",
    RunStatus.TIMED_OUT: "Run stopped: timeout reached",
    RunStatus.CANCELLED: "Run cancelled",
}


def log_lines(run: HeldRun, count: int, now: float) -> Sequence[LogItem]:
    """What has been written until ``now``: ``count`` lines spread over the run, then its last words."""
    if run.started_at is None or run.started_at > now:
        return ()
    step = run.life.run_s / count
    end = now if run.ended_at is None else min(now, run.ended_at)
    moments = [run.started_at + step * number for number in range(count)]
    lines = [_line(run, number, count, moment) for number, moment in enumerate(moments) if moment <= end]
    status = run.status_at(now)
    if status.is_final and run.ended_at is not None:
        lines.append(LogItem(timestamp=moment_text(run.ended_at), raw=_LAST_WORDS[status]))
    return lines


def log_page(run: HeldRun, count: int, now: float, *, start: int, size: int) -> LogsResponse:
    """Lines from ``start`` on. While the run lives there is always a next page, so that it can be followed."""
    size = max(0, min(size, MAX_PAGE_LINES))
    lines = log_lines(run, count, now)
    items = list(lines[start : start + size])
    end = start + len(items)
    has_more = end < len(lines) or not run.status_at(now).is_final
    return LogsResponse(items=items, current_page=str(start), next_page=str(end) if has_more else None)


def _line(run: HeldRun, number: int, count: int, moment: float) -> LogItem:
    text = f"Starting {run.name} on {run.runtime}" if number == 0 else f"{run.name}: step {number} of {count - 1}"
    return LogItem(timestamp=moment_text(moment), raw=text)
