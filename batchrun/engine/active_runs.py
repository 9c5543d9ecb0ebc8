"""At most N unfinished runs of this batch at the service: the configured bound, the quota found, and who waits for room."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import anyio

from batchrun.engine.change import Change
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.changes import Followed
from batchrun.tracking.created_runs import CREATED_BEFORE_S
from batchrun.tracking.poller import Poller

__all__ = ["ActiveRuns"]

QUOTA_GROWTH = 0.2
"""How much a full set of created runs adds to a quota that was found. Each probe beyond the quota costs one refusal, so
five generations of runs pay for one more slot."""
RECENT_RUNS = 10_000
"""Runs of this session that are remembered in case a quota is met: more than any organisation is likely to run at once."""


class ActiveRuns:
    """Bounds how many runs are unfinished. A slot is held from before an attempt until its run ended or does not exist.

    ``max_active`` bounds it from the start. A refusal for quota bounds it as well, at what is active just then: nobody
    enters until the active runs have been looked at. From there the bound grows slowly with what is created.

    ``server_now`` is the time in epoch seconds by the service's clock. The active runs are those that ``followed`` follows. ``follows_all``: they are followed although nothing bounds them.
    ``earlier`` yields runs that earlier sessions created and that have not ended, as far as the ledger knows; ``is_over`` is
    true when no work is left to enter with.
    """

    def __init__(
        self,
        max_active: int | None,
        followed: Poller,
        *,
        server_now: Callable[[], float],
        is_over: Callable[[], bool],
        earlier: Callable[[], Iterable[Followed]] = tuple,
        follows_all: bool = False,
    ) -> None:
        self._max = max_active
        self._followed = followed
        self._server_now = server_now
        self._follows_all = follows_all
        self._quota: float | None = None
        self._is_unsure = False
        self._is_over = is_over
        self._earlier = earlier
        self._recent: deque[Followed] = deque(maxlen=RECENT_RUNS)
        self._held = 0
        self._change = Change()
        self._look_wanted = anyio.Event()
        if self.are_followed:
            self._count_earlier()

    @property
    def are_followed(self) -> bool:
        """True when active runs matter, and therefore have to be followed."""
        return self._follows_all or self._max is not None or self._quota is not None

    @property
    def active(self) -> Mapping[str, Followed]:
        """Unfinished runs at the service, by id."""
        return self._followed.active

    @property
    def count(self) -> int | None:
        """How many runs are active; None while nobody follows them."""
        return len(self.active) if self.are_followed else None

    @property
    def limit(self) -> int | None:
        """How many may be active at once, as far as it is known."""
        bounds = [bound for bound in (self._max, self._quota) if bound is not None]
        return max(1, int(min(bounds))) if bounds else None

    @property
    def is_full(self) -> bool:
        limit = self.limit
        if self._is_unsure and self.active:
            return True
        return limit is not None and self._held + len(self.active) >= limit

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

    def created(self, run: Followed) -> None:
        """A run exists."""
        run.created_s = self._server_now() - CREATED_BEFORE_S
        if not self.are_followed:
            self._recent.append(run)
        elif not has_ended(run.status):
            self._add(run)

    def ended(self) -> None:
        """A run has ended, and is not followed any more."""
        self._change.notify()

    def quota_refused(self) -> None:
        """The service refused a run for quota: allow no more than are active now, as soon as that is known."""
        if not self.are_followed:
            for run in self._recent:
                self._add(run)
            self._count_earlier()
        self._quota = float(max(1, len(self.active)))
        self._is_unsure = True
        self._look_wanted.set()

    async def wait_look_wanted(self) -> None:
        """Return when a look at the active runs would help: somebody waits for it."""
        await self._look_wanted.wait()

    def looked(self) -> None:
        """``active`` has just been brought up to date."""
        self._look_wanted = anyio.Event()
        if self._is_unsure:
            self._is_unsure = False
            self._quota = float(max(1, len(self.active)))
            self._change.notify()

    def _count_earlier(self) -> None:
        for run in self._earlier():
            self._add(run)

    def _add(self, run: Followed) -> None:
        self._followed.add(run, time.monotonic())
        if self._quota is not None:
            self._quota += QUOTA_GROWTH / max(self._quota, 1.0)
