"""A run's log as a function of its lifecycle and the time. Pure."""

from collections.abc import Sequence

from batchrun.emulator.runs.kube_app import timestamp_text
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.wherobots.views import LogItem, LogsResponse, RunStatus

__all__ = ["log_lines", "log_page"]

MAX_PAGE_LINES = 1000
_LAST_LINES = {
    RunStatus.COMPLETED: "Run completed",
    RunStatus.FAILED: "Traceback (most recent call last): RuntimeError: the emulator was configured to fail this run",
    RunStatus.TIMED_OUT: "Run stopped: timeout reached",
    RunStatus.CANCELLED: "Run cancelled",
}


def log_lines(run: StoredRun, count: int, now: float) -> Sequence[LogItem]:
    """The lines written by ``now``: ``count`` spread over the run, then a last line that tells how it ended."""
    if run.started_at is None or run.started_at > now:
        return ()
    step = run.lifecycle.run_s / count
    end = now if run.ended_at is None else min(now, run.ended_at)
    times = [run.started_at + step * number for number in range(count)]
    lines = [_line(run, number, count, time) for number, time in enumerate(times) if time <= end]
    status = run.status_at(now)
    if status.is_final and run.ended_at is not None:
        lines.append(LogItem(timestamp=timestamp_text(run.ended_at), raw=_LAST_LINES[status]))
    return lines


def log_page(run: StoredRun, count: int, now: float, *, start: int, size: int) -> LogsResponse:
    """Lines from ``start`` on. An active run always has a next page, so that its log can be followed."""
    size = max(0, min(size, MAX_PAGE_LINES))
    lines = log_lines(run, count, now)
    items = list(lines[start : start + size])
    end = start + len(items)
    has_more = end < len(lines) or not run.status_at(now).is_final
    return LogsResponse(items=items, current_page=str(start), next_page=str(end) if has_more else None)


def _line(run: StoredRun, number: int, count: int, time: float) -> LogItem:
    text = f"Starting {run.name} on {run.runtime}" if number == 0 else f"{run.name}: step {number} of {count - 1}"
    return LogItem(timestamp=timestamp_text(time), raw=text)
