"""Activity over time: runs submitted and ended in each interval, and how many were waiting or running."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["INTERVALS_S", "Activity", "Span", "activity"]

MAX_INTERVALS = 160
INTERVALS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
"""Lengths of an interval that a person can name; beyond a day, whole days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The life of one run, epoch seconds: created, began to work, ended; None for what has not happened or is unknown."""

    created_s: float
    started_s: float | None
    ended_s: float | None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Counts by interval; all sequences have the same length."""

    begin_s: float
    step_s: int
    submitted: tuple[int, ...]
    completed: tuple[int, ...]
    """Runs that ended and did not fail."""
    failed: tuple[int, ...]
    waiting: tuple[int, ...]
    working: tuple[int, ...]
    """The state at the moment of the interval at which most runs were active."""

    @property
    def end_s(self) -> float:
        return self.begin_s + self.step_s * len(self.submitted)

    @property
    def peak(self) -> int:
        """The most runs active at once."""
        return max(map(sum, zip(self.waiting, self.working, strict=True)), default=0)


def activity(spans: Sequence[Span], *, until_s: float) -> Activity | None:
    """The activity up to ``until_s``, where runs without an end are still active; None without runs."""
    if not spans:
        return None
    begin_s = min(span.created_s for span in spans)
    last_s = max(until_s, *(max(span.created_s, span.started_s or 0.0, span.ended_s or 0.0) for span in spans))
    step_s = _step_s(last_s - begin_s)
    begin_s = begin_s // step_s * step_s  # so that intervals begin at full minutes or hours
    count = int((last_s - begin_s) // step_s) + 1

    def counted(moments: Iterable[float | None]) -> tuple[int, ...]:
        return _counted(moments, begin_s=begin_s, step_s=step_s, count=count)

    waiting, working = _active(spans, begin_s=begin_s, step_s=step_s, count=count)
    return Activity(
        begin_s=begin_s,
        step_s=step_s,
        submitted=counted(span.created_s for span in spans),
        completed=counted(span.ended_s for span in spans if not span.failed),
        failed=counted(span.ended_s for span in spans if span.failed),
        waiting=waiting,
        working=working,
    )


def _step_s(seconds: float) -> int:
    """The shortest interval that divides the span into at most ``MAX_INTERVALS``."""
    for step_s in INTERVALS_S:
        if seconds / step_s < MAX_INTERVALS - 1:
            return step_s
    day_s = INTERVALS_S[-1]
    return day_s * (int(seconds / day_s / (MAX_INTERVALS - 2)) + 1)


def _counted(moments: Iterable[float | None], *, begin_s: float, step_s: int, count: int) -> tuple[int, ...]:
    counts = [0] * count
    for moment in moments:
        if moment is not None:
            counts[int((moment - begin_s) // step_s)] += 1
    return tuple(counts)


def _active(
    spans: Sequence[Span], *, begin_s: float, step_s: int, count: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Waiting and working runs where each interval has its most active moment.

    Every change is a step of (waiting, working); at one moment ends come first, so that a slot that is passed on at once
    is not counted twice.
    """
    steps = sorted(step for span in spans for step in _steps(span))
    most = [(0, 0)] * count
    waiting = working = place = 0
    for at_s, _, more_waiting, more_working in steps:
        now = int((at_s - begin_s) // step_s)
        for interval in range(place + 1, now + 1):
            most[interval] = (waiting, working)  # what was active when the interval began
        place = max(place, now)
        waiting += more_waiting
        working += more_working
        if waiting + working >= sum(most[place]):
            most[place] = (waiting, working)
    for interval in range(place + 1, count):
        most[interval] = (waiting, working)
    return tuple(one for one, _ in most), tuple(one for _, one in most)


def _steps(span: Span) -> Iterable[tuple[float, int, int, int]]:
    started_s, ended_s = span.started_s, span.ended_s
    if ended_s is not None:
        # A creation may be dated by this machine's clock, the end by the service's: no span may be negative.
        ended_s = max(ended_s, span.created_s)
        started_s = min(max(started_s, span.created_s), ended_s) if started_s is not None else None
        yield ended_s, 0, *((0, -1) if started_s is not None else (-1, 0))
    yield span.created_s, 1, 1, 0
    if started_s is not None:
        yield max(started_s, span.created_s), 2, -1, 1
