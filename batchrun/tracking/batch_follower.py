"""Follow a batch's runs until they end, alongside whichever process writes the ledger, and record what is learned."""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from math import inf
from pathlib import Path
from typing import Self

import anyio
import anyio.to_thread
from typing_extensions import override

from batchrun.errors import ApiError, LedgerChangedError, LedgerWriteError, Problem
from batchrun.ledger.events import StatusEvent
from batchrun.ledger.shared import SharedLedger
from batchrun.ledger.state import BatchState, Outcome
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.access import check_organization
from batchrun.tracking.changes import Change, Followed
from batchrun.tracking.created_runs import CreatedRuns, learn_from_ended, recorded_change, unfinished
from batchrun.tracking.follow import Follower
from batchrun.tracking.poller import PENDING, Poller
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.tracking.recorder import Recorder
from batchrun.wherobots.client import RunsClient

__all__ = ["BatchFollower"]

REFRESH_EVERY_S = 1.0
"""Seconds between looks at the ledger while another process is writing it: reading its new lines costs no call."""
FAILING_AFTER_S = 60.0
"""Seconds of failed reads before they are reported."""


class BatchFollower:
    """Follows all runs of a batch that the ledger knows as created. Make one with ``open``.

    ``on_change`` receives each change as it is learned, from the service or from what another process recorded. Changes are
    written to the ledger in moments when nobody else writes it, each once; while another process holds the ledger's lock
    they are kept.
    """

    def __init__(
        self,
        ledger: SharedLedger,
        created: CreatedRuns,
        client: RunsClient,
        *,
        wait_for_read: Callable[[], Awaitable[None]],
        on_change: Callable[[Change], None],
        on_note: Callable[[Problem], None],
    ) -> None:
        self._ledger = ledger
        self._created = created
        self._client = client
        self._on_change = on_change
        self._on_note = on_note
        self._poller = Poller(time.monotonic(), client.app)
        self._reader = Reader(wait_for_read)
        self._follower = Follower(
            client=client, poller=self._poller, reader=self._reader, on_change=self._learned, on_note=on_note
        )
        self._recorder = Recorder(ledger)
        self._may_record = True
        self._failing_since_s: float | None = None
        # From here on: what the ledger had until now is no news to anybody.
        created.begin()
        self._ended_before = learn_from_ended(ledger.state, self._poller)
        for run in unfinished(ledger.state):
            self._poller.add(run, time.monotonic(), is_new=False)

    @classmethod
    async def open(
        cls,
        path: str | Path,
        client: RunsClient,
        *,
        wait_for_read: Callable[[], Awaitable[None]],
        on_change: Callable[[Change], None],
        on_note: Callable[[Problem], None],
    ) -> Self:
        """Read the ledger, and check that the API key belongs to its organization.

        Raises:
            LedgerError: the ledger cannot be read.
            LedgerMismatchError: the key belongs to another organization.

        """
        created = CreatedRuns()
        ledger = await anyio.to_thread.run_sync(SharedLedger.open, path, created.observe)
        is_proven = await check_organization(client, Reader(wait_for_read), ledger.state, ledger.path)
        follower = cls(ledger, created, client, wait_for_read=wait_for_read, on_change=on_change, on_note=on_note)
        follower._poller.is_key_proven = is_proven
        return follower

    @override
    def __repr__(self) -> str:
        return f"<BatchFollower {self._ledger.path}, {self.active} active, {self.unrecorded} unrecorded>"

    @property
    def state(self) -> BatchState:
        """The batch as of the last look at the ledger. What is not recorded yet is not in it."""
        return self._ledger.state

    @property
    def active(self) -> int:
        """Runs that have not ended."""
        return len(self._poller.active)

    @property
    def statuses(self) -> Counter[str]:
        """Created runs by their latest status."""
        return self._ended_before + self._poller.statuses

    @property
    def apps(self) -> dict[str, str | None]:
        """The apps of active runs by run id, as far as a look has shown them; None of those that wait for one."""
        active = self._poller.active.items()
        return {run_id: run.app_id for run_id, run in active if run.app_id is not None or run.status == PENDING}

    @property
    def unrecorded(self) -> int:
        """Changes that are not in the ledger yet."""
        return len(self._recorder)

    @property
    def is_written(self) -> bool:
        """Another process is writing the ledger: more runs may come."""
        return self._recorder.is_ledger_held

    def left_s(self) -> float | None:
        """Seconds until all runs have ended, from the durations of those that have; None while that is not known."""
        to_create = self.state.count(Outcome.PENDING) + self.state.count(Outcome.UNKNOWN) if self.is_written else 0
        return self._poller.durations.left_s(
            self._poller.active.values(),
            to_create=to_create,
            now_s=self._client.clock.now(),
            at_once=self.statuses["RUNNING"],
        )

    async def run(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Follow until every run has ended and nobody creates more, or until ``should_stop`` after a look.

        May be cancelled at any time; what was learned by then is recorded if nobody else holds the ledger.

        Raises:
            ApiError: the service refuses a call that following needs.
            LedgerError: the ledger was removed, replaced or damaged.

        """
        async with aclosing(self.looks()) as looks:
            async for _ in looks:
                if should_stop():
                    return

    async def looks(self) -> AsyncGenerator[None, None]:
        """Like ``run``, but yields after each look at the service."""
        try:
            while True:
                await self._refresh()
                await self._look()
                await self._record()
                yield
                # What is not recorded is tried again: whoever holds the ledger now lets it go.
                if not (self.active or self.unrecorded or self.is_written):
                    return
                await self._wait()
        finally:
            # Also if the iteration is given up: what was learned would have to be read again.
            with anyio.CancelScope(shield=True):
                await self._record()

    async def look_once(self) -> None:
        """One look at the service, recorded.

        Raises:
            ApiError: the service cannot be read.
            LedgerError: as for ``run``.

        """
        try:
            await self._follower.look()
        except CallRefusedError as refused:
            raise refused.error from refused
        finally:
            with anyio.CancelScope(shield=True):
                await self._record()

    async def _look(self) -> None:
        """A look that may fail: the next one makes up for it."""
        try:
            await self._follower.look()
        except CallRefusedError as refused:
            raise refused.error from refused
        except ApiError as error:
            self._fails(error)
        else:
            self._failing_since_s = None

    def _fails(self, error: ApiError) -> None:
        now_s = time.monotonic()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        elif now_s - self._failing_since_s >= FAILING_AFTER_S:
            self._failing_since_s = inf  # said once, until it works again
            problem = error.problems[0]
            fact = f"it could not be read for {FAILING_AFTER_S:.0f} s: {problem.fact}"
            self._on_note(Problem(problem.place, fact, "batchrun keeps trying"))

    async def _wait(self) -> None:
        """Until the next look; meanwhile read what another process writes."""
        now_s = time.monotonic()
        until_s = now_s + (self._poller.rhythm.wait_s(now_s) if self.active else REFRESH_EVERY_S)
        while (left_s := until_s - time.monotonic()) > 0:
            await anyio.sleep(min(left_s, REFRESH_EVERY_S) if self.is_written else left_s)
            if self.is_written:
                await self._refresh()

    async def _refresh(self) -> None:
        reloads = self._ledger.reloads
        await anyio.to_thread.run_sync(self._ledger.refresh)
        is_reloaded = self._ledger.reloads > reloads  # the ledger was compacted: its old events are not news
        for new in self._created.take_new(self.state):
            self._adopt(new.run, new.event, is_new=new.is_new and not (is_reloaded and has_ended(new.run.status)))

    def _adopt(self, run: Followed, event: StatusEvent | None, *, is_new: bool) -> None:
        """Follow a run that is new in the ledger, or learn what another process recorded of one."""
        known = self._poller.active.get(run.run_id)
        if known is None and is_new:
            if not has_ended(run.status):
                self._poller.add(run, time.monotonic())
            elif event is not None:
                self._ended_before[event.status] += 1
                self._on_change(recorded_change(run, event, None))
        elif known is not None and event is not None and event.status != known.status:
            change = recorded_change(known, event, known.status)
            self._poller.recorded(known, event.status)
            if change.is_final:
                self._recorder.forget(run.run_id)
            self._on_change(change)

    def _learned(self, change: Change) -> None:
        if self._may_record:
            self._recorder.add(change)
        self._on_change(change)

    async def _record(self) -> None:
        """Record what can be recorded now; where that is not needed, find out at the end whether somebody writes."""
        if not self._may_record or (self.active and not self.unrecorded and not self.is_written):
            return
        try:
            await self._recorder.record()
        except LedgerChangedError:
            raise  # the path holds another ledger now: what was learned is not about its runs
        except LedgerWriteError as error:
            self._may_record = False
            # Nothing can be recorded any more; kept, these changes would keep the follower from ending.
            self._recorder.clear()
            problem = error.problems[0]
            self._on_note(Problem(problem.place, problem.fact, "changes are shown but not recorded"))
