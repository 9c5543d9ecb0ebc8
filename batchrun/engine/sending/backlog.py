"""What is left to send: ready, waiting until a given time, or held by a worker. A waiting run occupies no worker."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count, islice

import anyio
import anyio.to_thread
import msgspec

from batchrun.engine.sending.notifier import Notifier
from batchrun.ledger.state import Outcome
from batchrun.sweep.plan import PlannedRun

__all__ = ["Backlog", "Work"]


class Work(msgspec.Struct, kw_only=True, eq=False):
    """One run in progress, with its history. A Struct, because a dataclass would cost a microsecond more per run."""

    key: str
    name: str
    planned: PlannedRun | None
    """None for a run that left the plan, or whose plan can no longer be built: it is settled, and never sent."""
    earlier: PlannedRun | None = None
    """A run that left the plan, as the earlier plan had it, where that can still be made: for comparing payloads."""
    is_counted: bool = True
    """Whether the batch's current plan contains it."""
    is_inherited: bool = False
    """An earlier session sent it, and did not learn the outcome."""
    generation: int = 1
    """1 for the first creation of a planned run, 2 for its first rerun."""
    n: int = 0
    """Attempts so far, over all sessions and generations."""
    was_sent: bool = False
    """An attempt of this generation left: the next one is a retry."""
    failed_attempts: int = 0
    """Attempts of this session that count towards ``max_attempts``."""
    first_unknown_at_s: float | None = None
    """When the first attempt that may have created the run began: epoch seconds, not later than by the server's clock.

    Kept until the run is submitted. While it is set, the run is looked for by name right before it is sent.
    """
    namesake_at_s: float | None = None
    """The same for an attempt of another planned run with this name: a changed setting gives a point another key."""
    first_unknown_n: int = 0
    """That attempt's number."""
    is_only_conflict: bool = False
    """That attempt was refused with a conflict: the run is looked for before it is sent, but not waited for."""
    exists_without_id: bool = False
    """A 2xx arrived whose body could not be read: the run exists, and must never be sent again."""
    failed_looks: int = 0
    """Consecutive looks right before sending that proved nothing."""
    outcome: Outcome = Outcome.PENDING
    """The outcome that it currently counts as."""
    ended_as: Outcome | None = None
    """What an earlier session ended it as, while it is to be sent again and nothing of that is in the ledger yet."""
    creation_lag_s: float = 0.0
    """What the run's creation time, once it was created, showed of the clock that stamps it; 0 if that is not news."""
    lost_at_s: float = 0.0
    """When the latest attempt of unknown outcome ended, on the monotonic clock."""

    @property
    def may_exist(self) -> bool:
        """Whether an attempt whose response was lost may have created it."""
        return self.first_unknown_at_s is not None and not self.is_only_conflict

    @property
    def looked_from_s(self) -> float | None:
        """When the first attempt began that may have created a run of this name; None if there was none."""
        return self.namesake_at_s if self.first_unknown_at_s is None else self.first_unknown_at_s

    def may_have_created(self, sent_at_s: float, *, is_conflict: bool = False) -> None:
        """The latest attempt may have created it. The first one counts: whatever is created from then on may be this run."""
        self.is_only_conflict = is_conflict and not self.may_exist
        if self.first_unknown_at_s is None:
            self.first_unknown_at_s, self.first_unknown_n = sent_at_s, self.n

    @property
    def compared_body(self) -> bytes | None:
        """The payload as lists should show it, ``<env.NAME>`` standing for any text; None if it is no longer known."""
        run = self.planned or self.earlier
        return None if run is None else run.keyed_body or run.body

    @property
    def region(self) -> str | None:
        """Where it runs; None if that is no longer known."""
        run = self.planned or self.earlier
        return None if run is None else run.region

    @property
    def run(self) -> PlannedRun:
        """The planned run, of work that may be sent."""
        if self.planned is None:
            raise RuntimeError(f"{self.name} is no longer in the plan and must not be sent")
        return self.planned


READ_AHEAD = 512
"""Runs that are read from the plan at once: a thread costs as much as ten of them."""


class Backlog:
    """Hands out work in plan order; work that was put back to wait goes out again when it is due.

    Everything handed out by ``take`` comes back through ``put`` or ``retire``; the backlog is finished when nothing is
    left inside and nothing is out. New work comes from ``source``, as far as ``read_ahead`` has read it.
    """

    def __init__(
        self,
        source: Iterator[Work],
        now: Callable[[], float],
        *,
        on_return: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._source: Iterator[Work] | None = source
        self._new: deque[Work] = deque()
        self._taken = Notifier()
        self._on_return = on_return
        self._on_end = on_end
        self._now = now
        self._ready: deque[Work] = deque()
        self._waiting: list[tuple[float, int, Work]] = []
        self._order = count()
        self._out = 0
        self._change = Notifier()
        self._queue = anyio.Lock(fast_acquire=True)  # only its holder waits for a change: one is woken, not hundreds

    @property
    def waiting(self) -> int:
        """Runs waiting for another attempt."""
        return len(self._waiting) + len(self._ready)

    @property
    def is_finished(self) -> bool:
        """True when nothing is left to send, and nothing is out."""
        return self.is_drained_but(0)

    @property
    def is_empty(self) -> bool:
        """True when nothing is queued; only in-flight runs remain."""
        return not (self._ready or self._waiting or self._new) and self._source is None

    async def read_ahead(self) -> None:
        """Read new work in a thread, some hundreds ahead of what is taken; return when there is no more.

        A plan of a million runs takes seconds to go through, most of all when nearly all of them are submitted already.

        Raises:
            BatchrunError: the plan can no longer be read.

        """
        while (source := self._source) is not None:
            while len(self._new) >= READ_AHEAD // 2:
                await self._taken.wait()
            works = await anyio.to_thread.run_sync(lambda: list(islice(source, READ_AHEAD)), abandon_on_cancel=True)
            self._new.extend(works)
            if len(works) < READ_AHEAD:
                self._source = None
            self._change.notify()
        self._on_end()

    async def wait_read(self) -> None:
        """Return once it is known whether there is new work."""
        while not self._new and self._source is not None:
            await self._change.wait()

    async def take(self) -> Work | None:
        """Return the next run to send as soon as there is one, or None when the backlog is finished."""
        if (work := self._next()) is None:
            async with self._queue:
                while (work := self._next()) is None and not self.is_finished:
                    await self._change.wait(self._waiting[0][0] - self._now() if self._waiting else None)
        self._out += work is not None
        return work

    def adopt(self) -> None:
        """Count a run as out that was never in the backlog: it is being settled from the start."""
        self._out += 1

    def put(self, work: Work, *, due_s: float | None = None) -> None:
        """Take a run back, to go out again at ``due_s`` (monotonic) or at once."""
        if due_s is None:
            self._ready.append(work)
        else:
            # The order breaks ties, as work cannot be compared: those that are due together leave as they came.
            heapq.heappush(self._waiting, (due_s, next(self._order), work))
        self.retire()

    def retire(self) -> None:
        """A run that was out has its outcome, or is waiting elsewhere."""
        self._out -= 1
        self._on_return()
        self._change.notify()

    def is_drained_but(self, out: int) -> bool:
        """True when nothing is queued and at most ``out`` runs are out."""
        return self._out <= out and self.is_empty

    def _next(self) -> Work | None:
        # Before new work: in a large plan, a run that was refused early would otherwise wait until the end.
        if self._waiting and self._waiting[0][0] <= self._now():
            return heapq.heappop(self._waiting)[2]
        if self._ready:
            return self._ready.popleft()
        if not self._new:
            return None
        work = self._new.popleft()
        if len(self._new) < READ_AHEAD // 2:  # not for each run: the reader would wake up to wait again
            self._taken.notify()
        return work
