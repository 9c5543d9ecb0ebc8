"""A run's log as a function of its lifecycle and the time: which lines can be read, and their pages. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any

from batchrun.emulator.runs.kube_app import timestamp_text
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.log_text import body_line, last_lines
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import LogItem, LogsResponse

__all__ = ["RunLog", "log_of", "log_page"]

MAX_PAGE_LINES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLog:
    """Every line that a run will have written by its end. Lines are made when asked for: there may be a million."""

    run: StoredRun = field(compare=False)
    settings: EmulatorSettings = field(compare=False)
    key: tuple[Any, ...]
    """What the lines depend on."""
    body: int
    """How many lines it writes while it runs; ``last`` follow when it ends."""
    last: Sequence[str]

    @property
    def lines(self) -> int:
        return self.body + len(self.last)

    def time(self, number: int) -> float:
        """When line ``number`` was written; times never decrease."""
        run = self.run
        if run.started_at is None or number >= self.body:
            return run.created_at if run.ended_at is None else run.ended_at
        return _body_time(run, self.settings, number)

    def text(self, number: int) -> str:
        if number >= self.body:
            return self.last[number - self.body]
        return body_line(self.run, number, self.time(number), self.settings)

    def item(self, number: int) -> LogItem:
        return LogItem(timestamp=timestamp_text(self.time(number)), raw=self.text(number))

    def written_by(self, now: float) -> int:
        """How many lines were written by ``now``."""
        return bisect_right(range(self.lines), now, key=self.time)

    def position(self, number: int) -> int:
        """Where line ``number`` starts, as the cursor counts; of the number after the last line, where the log ends."""
        if self.settings.log_cursor == "bytes":
            return _first_bytes(self)[number]
        if self.settings.log_cursor == "milliseconds":
            return int(self.time(number) * 1000)
        return number

    def number_at(self, cursor: int) -> int:
        """The first line that starts at the cursor or later."""
        if self.settings.log_cursor == "lines":
            return min(cursor, self.lines)
        return bisect_left(range(self.lines), cursor, key=self.position)


def log_of(run: StoredRun, settings: EmulatorSettings) -> RunLog:
    """The log of a run with its present end, which a cancellation may bring forward."""
    body, last = 0, tuple[str, ...]()
    if run.started_at is not None:
        body = settings.log_lines
        if run.ended_at is not None:
            body = bisect_right(range(body), run.ended_at, key=lambda number: _body_time(run, settings, number))
    if run.ended_at is not None:
        last = tuple(last_lines(run, run.status_at(run.ended_at), run.ended_at))
    key = (run.id, run.started_at, run.ended_at, settings.log_content, settings.log_line_bytes, settings.log_burst)
    return RunLog(run=run, settings=settings, key=key, body=body, last=last)


def log_page(run: StoredRun, settings: EmulatorSettings, now: float, *, cursor: int, size: int) -> LogsResponse:
    """Lines from the cursor on. An active run always has a next page, so that its log can be followed.

    A line can be read ``log_delay_s`` after it was written, even if there is no next page.
    """
    log, is_over = log_of(run, settings), run.status_at(now).is_final
    arrived = log.written_by(now - settings.log_delay_s)
    start = min(log.number_at(cursor), arrived)
    end = min(arrived, start + max(0, min(size, MAX_PAGE_LINES)))
    has_more = end < arrived or not is_over
    return LogsResponse(
        items=[log.item(number) for number in range(start, end)],
        current_page=str(cursor),
        next_page=str(_next_cursor(log, cursor, start, end)) if has_more else None,
    )


def _next_cursor(log: RunLog, cursor: int, start: int, end: int) -> int:
    if start == end:
        return cursor
    # A cursor of time cannot say how many lines of its millisecond were read: the next page repeats them all.
    return log.position(end - 1 if log.settings.log_cursor == "milliseconds" else end)


def _body_time(run: StoredRun, settings: EmulatorSettings, number: int) -> float:
    """Lines are spread over the run in bursts of ``log_burst`` with one timestamp."""
    assert run.started_at is not None  # noqa: S101 - a run that has not started has written nothing
    burst = number - number % settings.log_burst
    return run.started_at + run.lifecycle.run_s * burst / settings.log_lines


@lru_cache(maxsize=4)  # following a log of a million lines asks for this with every page
def _first_bytes(log: RunLog) -> Sequence[int]:
    """Where each line starts in a file of these lines, and where the file ends."""
    lengths = (len(log.text(number).encode("utf-8", "surrogatepass")) + 1 for number in range(log.lines))
    return tuple(accumulate(lengths, initial=0))
