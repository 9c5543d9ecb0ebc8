"""Who runs when: each region has so many slots, and runs wait for one in the order in which they came."""

from collections import deque
from heapq import heappop, heappush

from batchrun.emulator.runs.lifecycle import HeldRun

__all__ = ["Slots"]


class Slots:
    """The runs of one region that have not ended. Moves on only when told what time it is."""

    def __init__(self, capacity: int | None) -> None:
        self._capacity = capacity
        self._waiting: deque[HeldRun] = deque()
        self._ends: list[tuple[float, int, HeldRun, bool]] = []  # the flag: it holds a slot
        self._taken = 0
        self._room_since = 0.0

    def enter(self, run: HeldRun) -> None:
        """Take in a run that was just created."""
        self._waiting.append(run)
        self._fill()

    def advance(self, now: float) -> int:
        """Let time pass up to ``now``; the number of runs that ended."""
        ended = 0
        self._fill()
        while self._ends and self._ends[0][0] <= now:
            moment, _, run, holds_slot = heappop(self._ends)
            if run.ended_at != moment:
                continue  # it was cancelled since, and has another entry
            ended += 1
            if holds_slot:
                self._taken -= 1
                self._room_since = moment
                self._fill()
        return ended

    def cancel(self, run: HeldRun, now: float, delay_s: float) -> bool:
        """End a run ``delay_s`` from now, if that is not its end already; whether anything changed."""
        if run.cancelled_at is not None or (run.ended_at is not None and run.ended_at <= now + delay_s):
            return False
        holds_slot = run.started_at is not None
        run.cancelled_at, run.ended_at = now, now + delay_s
        if run.started_at is not None and run.started_at > run.ended_at:
            run.started_at = None
        heappush(self._ends, (run.ended_at, run.number, run, holds_slot))
        return True

    def resize(self, capacity: int | None, now: float) -> None:
        """Go on with another capacity: what waited may start from ``now`` on, and what runs goes on."""
        self._capacity = capacity
        self._room_since = now
        self._fill()

    def _fill(self) -> None:
        while self._waiting and (self._capacity is None or self._taken < self._capacity):
            run = self._waiting.popleft()
            if run.cancelled_at is None:
                self._start(run)

    def _start(self, run: HeldRun) -> None:
        run.started_at = max(run.created_at, self._room_since) + run.life.startup_s
        run.ended_at = run.started_at + run.life.run_s
        self._taken += 1
        heappush(self._ends, (run.ended_at, run.number, run, True))
