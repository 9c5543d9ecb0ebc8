"""At most N unfinished runs of this batch at the service: the configured bound, the quota found, and who waits for room."""

from collections import deque
from collections.abc import Callable, Iterable

from batchrun.engine.change import Change

__all__ = ["ActiveRuns"]

QUOTA_GROWTH = 0.2
"""How much a full set of created runs adds to a quota that was found. Each probe beyond the quota costs one refusal, so
five generations of runs pay for one more slot."""
RECENT_RUNS = 10_000
"""Runs of this session that are remembered in case a quota is met: more than any organization is likely to run at once."""


class ActiveRuns:
    """Bounds how many runs are unfinished. A slot is held from before an attempt until its run ended or does not exist.

    ``max_active`` bounds it from the start. A refusal for quota bounds it as well, at what is active just then: nobody
    enters until the active runs have been looked at. From there the bound grows slowly with what is created.

    ``earlier`` yields the ids and keys of runs that earlier sessions created and that have not ended, as far as the
    ledger knows; ``is_over`` is true when no work is left to enter with.
    """

    def __init__(
        self,
        max_active: int | None,
        *,
        is_over: Callable[[], bool],
        earlier: Callable[[], Iterable[tuple[str, str]]] = tuple,
    ) -> None:
        self._max = max_active
        self._quota: float | None = None
        self._is_unsure = False
        self._is_over = is_over
        self._earlier = earlier
        self._recent: deque[tuple[str, str]] = deque(maxlen=RECENT_RUNS)
        self.has_earlier = False
        """Whether runs of earlier sessions are among the active ones."""
        self._held = 0
        self._active: dict[str, str] = {}
        self._change = Change()
        if max_active is not None:
            self._count_earlier()

    @property
    def is_bounded(self) -> bool:
        """True when active runs matter, and therefore have to be watched."""
        return self._max is not None or self._quota is not None

    @property
    def active(self) -> dict[str, str]:
        """Unfinished runs at the service: their ids, with the key of each."""
        return self._active

    @property
    def count(self) -> int | None:
        """How many runs are active; None while nobody watches them."""
        return len(self._active) if self.is_bounded else None

    @property
    def limit(self) -> int | None:
        """How many may be active at once, as far as it is known."""
        bounds = [bound for bound in (self._max, self._quota) if bound is not None]
        return max(1, int(min(bounds))) if bounds else None

    @property
    def is_full(self) -> bool:
        limit = self.limit
        # After a refusal for quota the number of active runs is a guess until the watcher has looked.
        if self._is_unsure and self._active:
            return True
        return limit is not None and self._held + len(self._active) >= limit

    async def enter(self) -> None:
        """Take a slot as soon as there is one, or when no work is left to do with it."""
        while self.is_full and not self._is_over():
            await self._change.wait()
        self._held += 1

    def hold(self) -> None:
        """Take a slot for a run that may already exist."""
        self._held += 1

    def release(self) -> None:
        """Give a slot back: its run does not exist, or is counted as active."""
        self._held -= 1
        self._change.notify()

    def created(self, run_id: str, key: str, *, is_final: bool = False) -> None:
        """A run exists; ``is_final``: it has already ended."""
        if not self.is_bounded:
            self._recent.append((run_id, key))
        elif not is_final:
            self._add(run_id, key)

    def ended(self, run_id: str) -> None:
        """A run has ended."""
        if self._active.pop(run_id, None) is not None:
            self._change.notify()

    def quota_refused(self) -> None:
        """The service refused a run for quota: allow no more than are active now, as soon as that is known."""
        if not self.is_bounded:
            for run_id, key in self._recent:
                self._add(run_id, key)
            self._count_earlier()
        self._quota = float(max(1, len(self._active)))
        self._is_unsure = True

    def looked(self) -> None:
        """The watcher has just brought ``active`` up to date."""
        if self._is_unsure:
            self._is_unsure = False
            # What was active when the service refused is what it allows, as far as anyone can tell.
            self._quota = float(max(1, len(self._active)))
            self._change.notify()

    def _count_earlier(self) -> None:
        for run_id, key in self._earlier():
            self._add(run_id, key)
            self.has_earlier = True

    def _add(self, run_id: str, key: str) -> None:
        self._active[run_id] = key
        if self._quota is not None:
            self._quota += QUOTA_GROWTH / max(self._quota, 1.0)
