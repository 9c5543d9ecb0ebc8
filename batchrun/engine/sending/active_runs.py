"""Bounds this batch's unfinished runs at the service: the configured limit, the discovered quota, and who waits for a slot."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import anyio
import anyio.lowlevel
import anyio.to_thread

from batchrun.engine.sending.notifier import Notifier
from batchrun.engine.sending.quota_probe import QuotaProbe
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.changes import Followed
from batchrun.tracking.created_runs import CREATED_BEFORE_S
from batchrun.tracking.poller import Poller

__all__ = ["ActiveRuns", "HeldBy"]

ADDED_AT_ONCE = 500
"""Earlier runs that are added before other tasks get their turn."""
RECENT_RUNS = 10_000
"""Runs of this session that are remembered in case a quota is met: more than any organization is likely to run at once."""


class HeldBy(Enum):
    """What bounds the active runs; the value is shown to the user."""

    MAX_ACTIVE = "max_active"
    QUOTA = "quota"


class ActiveRuns:
    """Bounds how many runs are unfinished. A slot is held from before an attempt until its run ended or does not exist.

    ``max_active`` bounds it from the start. A refusal for quota bounds it as well, at what is active just then: nobody
    enters until the active runs have been looked at. Others may hold the quota too, so from then on one run at a time is
    tried beyond that bound, as `QuotaProbe` allows; each one that is created raises it.

    ``server_now`` is the time in epoch seconds by the service's clock. The active runs are those that ``followed``
    follows. ``follows_all``: they are followed although nothing bounds them.
    ``earlier`` yields runs that earlier sessions created and that have not ended, according to the ledger; ``is_over`` is
    true when no work is left to enter with.
    """

    def __init__(
        self,
        max_active: int | None,
        followed: Poller,
        *,
        server_now: Callable[[], float],
        is_over: Callable[[], bool],
        earlier: Callable[[], Iterable[Followed]] | None = None,
        follows_all: bool = False,
    ) -> None:
        self._max = max_active
        self._followed = followed
        self._server_now = server_now
        self._follows_all = follows_all
        self._quota: int | None = None
        self._probe = QuotaProbe()
        self._is_unsure = False
        self._is_over = is_over
        self._earlier = earlier
        self._recent: deque[Followed] = deque(maxlen=RECENT_RUNS)
        self._held = 0
        self._change = Notifier()
        self._queue = anyio.Lock(fast_acquire=True)  # only its holder waits for a change: one is woken, not hundreds
        self._look_wanted = anyio.Event()
        self._is_earlier_counted = earlier is None

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
        return min((bound for bound in (self._max, self._quota) if bound is not None), default=None)

    @property
    def held_by(self) -> HeldBy | None:
        """What keeps further runs from being created now."""
        if self._max is not None and self._count >= self._max:
            return HeldBy.MAX_ACTIVE
        if self._quota is not None and (self._is_unsure or self._count >= self._quota):
            return HeldBy.QUOTA
        return None

    @property
    def has_quota(self) -> bool:
        """Whether a run was refused for quota in this session."""
        return self._quota is not None

    @property
    def next_probe_s(self) -> float | None:
        """Seconds until a run is tried although the quota is used up; None while that is not so."""
        return max(0.0, self._probe.at_s - time.monotonic()) if self.held_by is HeldBy.QUOTA else None

    @property
    def _count(self) -> int:
        return self._held + len(self.active)

    async def enter(self) -> None:
        """Take a slot as soon as there is one, or when no work is left to do with it."""
        if self.held_by is not None:
            async with self._queue:
                await self._wait_for_room()
        self._held += 1

    async def _wait_for_room(self) -> None:
        while (held_by := self.held_by) is not None and not self._is_over():
            left_s = None if held_by is HeldBy.MAX_ACTIVE or self._is_unsure else self.next_probe_s
            if left_s == 0.0:
                self._probe.sent(time.monotonic())
                return
            await self._change.wait(left_s)

    def hold(self) -> None:
        """Take a slot for a run that may already exist."""
        self._held += 1

    def release(self) -> None:
        """Give a slot back: its run does not exist, or is counted as active."""
        self._held -= 1
        self._change.notify()

    def created(self, run: Followed) -> None:
        """A run exists. One that has ended already, such as one that settling found, takes no room."""
        run.created_s = self._server_now() - CREATED_BEFORE_S
        if has_ended(run.status):
            return
        if self.are_followed:
            self._add(run)
            if self._quota is not None:
                # There was room beyond the bound: others have ended runs, or the quota was raised.
                self._quota = max(self._quota, len(self.active))
                self._probe.succeeded(time.monotonic())
                self._change.notify()
        else:
            self._recent.append(run)

    def ended(self) -> None:
        """A run has ended, and is no longer followed."""
        self._change.notify()

    def quota_refused(self, asked_s: float = 0.0) -> None:
        """The service refused a run for quota: allow no more than are active now, as soon as that is known.

        ``asked_s`` is how long it wants to be left alone.
        """
        if not self.are_followed:
            for run in self._recent:
                self._add(run)
        self._quota = len(self.active)
        # Some of the active runs may have ended since the last look: until the next one, the bound is not known.
        self._is_unsure = bool(self.active) or not self._is_earlier_counted
        self._probe.refused(time.monotonic(), asked_s)
        self._look_wanted.set()

    async def wait_look_wanted(self) -> None:
        """Return when a look at the active runs would help: somebody waits for it."""
        await self._look_wanted.wait()

    def looked(self) -> None:
        """``active`` has just been brought up to date."""
        # A new event: all that was asked for until now has been answered by this look.
        self._look_wanted = anyio.Event()
        if self._is_unsure:
            self._is_unsure = False
            self._quota = len(self.active)
            self._change.notify()

    async def count_earlier(self) -> None:
        """Add the unfinished runs of earlier sessions, once, if active runs matter; a ledger may know a million of them."""
        earlier = self._earlier
        if earlier is None or self._is_earlier_counted or not self.are_followed:
            return
        self._is_earlier_counted = True
        for number, run in enumerate(await anyio.to_thread.run_sync(lambda: list(earlier()))):
            self._add(run, is_new=False)
            if number % ADDED_AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()

    def notice_end(self) -> None:
        """Wake the waiters: there may be no work left."""
        self._change.notify()

    def _add(self, run: Followed, *, is_new: bool = True) -> None:
        self._followed.add(run, time.monotonic(), is_new=is_new)
