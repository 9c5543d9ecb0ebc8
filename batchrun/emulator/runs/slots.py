"""When runs start: an organization has a limited number of slots in a region, and runs wait in order of creation."""

from collections import deque
from heapq import heappop, heappush

from batchrun.emulator.runs.lifecycle import StoredRun

__all__ = ["Slots"]


class Slots:
    """The runs of one organization in one region that have not ended. Time passes only through ``advance``."""

    def __init__(self, capacity: int | None) -> None:
        self.active_runs = 0
        self._capacity = capacity
        self._waiting: deque[StoredRun] = deque()
        self._ends: list[tuple[float, int, StoredRun, bool]] = []  # the flag: whether it holds a slot
        self._taken = 0
        self._free_since = 0.0

    def add(self, run: StoredRun) -> None:
        """Queue a run that was just created."""
        self.active_runs += 1
        self._waiting.append(run)
        self._fill()

    def advance(self, now: float) -> int:
        """Let time pass up to ``now``; returns the number of runs that ended."""
        ended = 0
        self._fill()
        while self._ends and self._ends[0][0] <= now:
            ended_at, _, run, holds_slot = heappop(self._ends)
            if run.ended_at != ended_at:
                continue  # it was cancelled since, which pushed another entry
            ended += 1
            if holds_slot:
                self._taken -= 1
                self._free_since = ended_at
                self._fill()
        self.active_runs -= ended
        return ended

    def cancel(self, run: StoredRun, now: float, delay_s: float) -> bool:
        """End a run ``delay_s`` from now; returns False if it was cancelled before or ends sooner anyway."""
        if run.cancelled_at is not None or (run.ended_at is not None and run.ended_at <= now + delay_s):
            return False
        holds_slot = run.started_at is not None
        run.cancelled_at, run.ended_at = now, now + delay_s
        if run.started_at is not None and run.started_at > run.ended_at:
            run.started_at = None  # it was still starting up
        heappush(self._ends, (run.ended_at, run.number, run, holds_slot))
        return True

    def resize(self, capacity: int | None, now: float) -> None:
        """Change the capacity: waiting runs may start from ``now`` on; running ones keep their slot."""
        self._capacity = capacity
        self._free_since = now
        self._fill()

    def _fill(self) -> None:
        while self._waiting and (self._capacity is None or self._taken < self._capacity):
            run = self._waiting.popleft()
            if run.cancelled_at is None:
                self._start(run)

    def _start(self, run: StoredRun) -> None:
        # Derived from the moment the slot became free, not from now: time passes in jumps, whenever somebody looks.
        run.started_at = max(run.created_at, self._free_since) + run.lifecycle.startup_s
        run.ended_at = run.started_at + run.lifecycle.run_s
        self._taken += 1
        heappush(self._ends, (run.ended_at, run.number, run, True))
