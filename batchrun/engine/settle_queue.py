"""The runs whose latest attempt has an unknown outcome, and when each is to be looked for."""

import time
from collections.abc import Iterable

import anyio

from batchrun.engine.backlog import Work

__all__ = ["Case", "SettleQueue"]

FIRST_LOOK_S = 1.0
"""An early scan finds most runs: a service commits within its own request timeout. Finding none, it proves nothing."""
SECOND_SCAN_S = 5.0
"""Between the two scans that prove absence, at most: long enough for a list that lags to catch up."""


class Case:
    """One unknown run, and how often it was missed by a scan that counts."""

    __slots__ = ("due_s", "misses", "work")

    def __init__(self, work: Work, due_s: float) -> None:
        self.work = work
        self.due_s = due_s
        self.misses = 0


class SettleQueue:
    """Unknown runs by name. Times are seconds on the monotonic clock."""

    def __init__(self, settle_after_s: float) -> None:
        self._settle_after_s = settle_after_s
        self._cases: dict[str, Case] = {}
        self._arrived = anyio.Event()

    def __len__(self) -> int:
        return len(self._cases)

    def __contains__(self, name: object) -> bool:
        return name in self._cases

    def __getitem__(self, name: str) -> Case:
        return self._cases[name]

    def put(self, work: Work) -> None:
        """Take a run whose latest attempt just ended with an unknown outcome."""
        work.lost_at_s = time.monotonic()
        self._cases[work.run.name] = Case(work, work.lost_at_s + min(FIRST_LOOK_S, self._settle_after_s / 4))
        self._arrived.set()

    def remove(self, name: str) -> Case:
        return self._cases.pop(name)

    def clear(self) -> list[Case]:
        """Give all cases up; returns them."""
        cases = list(self._cases.values())
        self._cases.clear()
        return cases

    def due(self, now_s: float) -> list[Case]:
        return [case for case in self._cases.values() if case.due_s <= now_s]

    async def wait_due(self) -> None:
        """Return when at least one run is due."""
        while True:
            self._arrived = anyio.Event()
            due_s = min((case.due_s for case in self._cases.values()), default=None)
            left_s = None if due_s is None else due_s - time.monotonic()
            if left_s is not None and left_s <= 0:
                return
            with anyio.move_on_after(left_s):
                await self._arrived.wait()

    def missed(self, case: Case, scan_began_s: float) -> bool:
        """A complete scan did not show a run; True if that proves its absence.

        A scan counts only if it began ``settle_after`` after the attempt ended, and two of them are needed.
        """
        deadline_s = case.work.lost_at_s + self._settle_after_s
        if scan_began_s < deadline_s:
            case.due_s = deadline_s
            return False
        case.misses += 1
        if case.misses < 2:  # noqa: PLR2004 - two scans in a row
            case.due_s = time.monotonic() + min(SECOND_SCAN_S, self._settle_after_s / 3)
            return False
        del self._cases[case.work.run.name]
        return True

    @staticmethod
    def postpone(cases: Iterable[Case], seconds: float) -> None:
        """Look for these again after a while, since they could not be looked for now."""
        due_s = time.monotonic() + seconds
        for case in cases:
            case.due_s = due_s
