"""Runs whose latest attempt has an unknown outcome: when to look for each, and when a miss proves absence."""

import time
from collections.abc import Collection, Iterable, Iterator

import anyio

from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.notifier import Notifier

__all__ = ["Case", "SettleQueue"]

FIRST_LOOK_S = 1.0
"""An early scan finds most runs: a service commits within its own request timeout. Finding none, it proves nothing."""
SECOND_SCAN_S = 5.0
"""Between the two scans that prove absence, at most: long enough for a list that lags to catch up."""


class Case:
    """One unknown run, and how often it was missed by a scan that counts."""

    __slots__ = ("due_s", "misses", "odd_looks", "work")

    def __init__(self, work: Work, due_s: float) -> None:
        self.work = work
        self.due_s = due_s
        self.misses = 0
        self.odd_looks = 0
        """Looks in a row that found a run of this name that may be ours or not."""


class SettleQueue:
    """Unknown runs by key. Times are seconds on the monotonic clock."""

    def __init__(self, settle_after_s: float) -> None:
        self._settle_after_s = settle_after_s
        self._cases: dict[str, Case] = {}
        self._arrived = anyio.Event()
        self._left = Notifier()

    def __len__(self) -> int:
        return len(self._cases)

    def __contains__(self, case: object) -> bool:
        return isinstance(case, Case) and self._cases.get(case.work.key) is case

    def __iter__(self) -> Iterator[Case]:
        return iter(list(self._cases.values()))

    def put(self, work: Work) -> None:
        """Take a run whose latest attempt just ended with an unknown outcome."""
        work.lost_at_s = time.monotonic()
        self._cases[work.key] = Case(work, work.lost_at_s + min(FIRST_LOOK_S, self._settle_after_s / 4))
        self._arrived.set()

    def remove(self, case: Case) -> Work:
        del self._cases[case.work.key]
        self._left.notify()
        return case.work

    async def wait_without(self, keys: Collection[str]) -> None:
        """Return when none of these runs is in here."""
        while not self._cases.keys().isdisjoint(keys):
            await self._left.wait()

    def due(self, now_s: float) -> list[Case]:
        return [case for case in self._cases.values() if case.due_s <= now_s]

    async def wait_due(self) -> None:
        """Return when at least one run is due."""
        while True:
            # Made anew before the queue is read, so that nothing that arrives after that is missed.
            self._arrived = anyio.Event()
            due_s = min((case.due_s for case in self._cases.values()), default=None)
            left_s = None if due_s is None else due_s - time.monotonic()
            if left_s is not None and left_s <= 0:
                return
            with anyio.move_on_after(left_s):
                await self._arrived.wait()

    def missed(self, case: Case, scan_began_s: float, *, has_control: bool) -> bool:
        """A complete scan did not show a run; True if that proves its absence.

        A scan counts only if it began ``settle_after`` after the attempt ended, and two of them are needed. Without a
        control, a run of ours that was created later and is listed, the list has twice as long to catch up.
        """
        patience_s = self._settle_after_s * (1 if has_control else 2)
        deadline_s = case.work.lost_at_s + patience_s
        if scan_began_s < deadline_s:
            # A control may turn up: look again when it would suffice, and then when none is needed.
            sooner_s = case.work.lost_at_s + self._settle_after_s
            case.due_s = sooner_s if scan_began_s < sooner_s else deadline_s
            return False
        case.misses += 1
        if case.misses < 2:  # noqa: PLR2004 - two scans in a row
            case.due_s = time.monotonic() + self._second_scan_s
            return False
        return True

    def doubted(self, case: Case) -> None:
        """A scan proved nothing about a run: what was missed before no longer counts."""
        case.misses = 0
        case.due_s = time.monotonic() + self._second_scan_s

    @property
    def _second_scan_s(self) -> float:
        return min(SECOND_SCAN_S, self._settle_after_s / 3)

    @staticmethod
    def postpone(cases: Iterable[Case], seconds: float) -> None:
        """Look for these again after a while, since they could not be looked for now."""
        due_s = time.monotonic() + seconds
        for case in cases:
            case.due_s = due_s
