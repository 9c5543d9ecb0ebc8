"""One session of a batch: its parts wired together, run until nothing is left or it stops, and its own two events."""

import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import Literal

import anyio
import anyio.to_thread

from batchrun.engine.active_runs import ActiveRuns
from batchrun.engine.attempt import Attempts
from batchrun.engine.backlog import Backlog
from batchrun.engine.controls import Controls
from batchrun.engine.following import Following
from batchrun.engine.generations import Generations
from batchrun.engine.known_ids import KnownIds, holders_of
from batchrun.engine.learned_rate import rate_table
from batchrun.engine.outcomes import Outcomes
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Reporter
from batchrun.engine.resume import FIRST, clashing_keys, resent_earlier, unknown_work, unsent_work
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.settle import Settler
from batchrun.engine.settle_queue import SettleQueue
from batchrun.engine.spending import Spending
from batchrun.engine.stopping import CANCELLED, StopSwitch, file_stop, unproven_stop
from batchrun.engine.submission import Submission
from batchrun.engine.tagging import Tagging
from batchrun.engine.tally import Tally
from batchrun.engine.units_limit import UnitsLimit
from batchrun.engine.watch import Watch
from batchrun.engine.workers import Workers
from batchrun.errors import LedgerWriteError, PlanChangedError
from batchrun.ledger.events import SessionEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import Outcome
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.tracking.changes import Change
from batchrun.tracking.created_runs import unfinished
from batchrun.tracking.poller import Poller
from batchrun.tracking.reading import Reader
from batchrun.uploads.destinations import Destinations
from batchrun.wherobots.client import RunsClient

__all__ = ["Session"]


class Session:
    """Wires the parts of one session, each given only what it uses, and keeps the session's own events."""

    def __init__(
        self,
        *,
        plan: Plan | None,
        ledger: FileLedger,
        client: RunsClient,
        pacer: Pacer,
        settings: SubmitSettings,
        reporter: Reporter,
        switch: StopSwitch,
        retry: frozenset[Outcome],
        destinations: Destinations,
        generations: Generations = FIRST,
        earlier: Mapping[str, PlannedRun] = MappingProxyType({}),
        is_same_organization: bool = True,
        on_change: Callable[[Change], None] | None = None,
        spending: Spending | None = None,
    ) -> None:
        """Without a plan, unknown runs are settled and nothing is sent.

        ``earlier`` holds unknown runs that left the plan, by key, as they were planned.
        """
        self._plan = plan
        self._earlier = earlier
        self._generations = generations
        self._ledger = ledger
        self._client = client
        self._settings = settings
        self._destinations = destinations
        self._reporter = reporter
        self._switch = switch
        state = ledger.state
        client.clock.creation_lag_s = max(client.clock.creation_lag_s, state.creation_lag_s)
        planned = plan.runs if plan is not None else state.planned
        self._tally = Tally(planned, state, retry)
        self._pacer = pacer
        self._poller = Poller(time.monotonic(), client.app)
        self._poller.is_key_proven = is_same_organization
        self._active_runs = ActiveRuns(
            settings.max_active,
            self._poller,
            server_now=client.clock.now,
            is_over=lambda: self._backlog.is_empty,
            earlier=(lambda: unfinished(state)) if state.runs else None,
            follows_all=on_change is not None or spending is not None,
        )
        unsent = unsent_work(plan, state, retry, generations) if plan is not None else iter(())
        self._backlog = Backlog(
            unsent, time.monotonic, on_return=self._active_runs.release, on_end=self._active_runs.notice_end
        )
        self._to_settle = SettleQueue(settings.settle_after_s)
        self._tagging = Tagging(state.batch.batch_id if settings.tag and state.batch is not None else None)
        self._controls = Controls(is_same_organization=is_same_organization)
        self._known_ids = KnownIds(lambda: holders_of(state), state.foreign)
        self._outcomes = self._make_outcomes()
        self._settler = self._make_settler()
        self._following = Following(
            active_runs=self._active_runs,
            poller=self._poller,
            client=client,
            ledger=ledger,
            pacer=self._pacer,
            reporter=reporter,
            on_change=on_change or (lambda _: None),
        )
        self._workers = self._make_workers(spending)
        self._watch = self._make_watch()

    def _make_outcomes(self) -> Outcomes:
        outcomes = Outcomes(
            settings=self._settings,
            base_url=self._client.settings.base_url,
            ledger=self._ledger,
            backlog=self._backlog,
            to_settle=self._to_settle,
            active_runs=self._active_runs,
            controls=self._controls,
            known_ids=self._known_ids,
            tally=self._tally,
            switch=self._switch,
            reporter=self._reporter,
        )
        outcomes.resent += resent_earlier(self._ledger.state, self._settings.settle_after_s)
        return outcomes

    def _make_settler(self) -> Settler:
        return Settler(
            queue=self._to_settle,
            client=self._client,
            pacer=self._pacer,
            backlog=self._backlog,
            outcomes=self._outcomes,
            controls=self._controls,
            known_ids=self._known_ids,
            tagging=self._tagging,
            switch=self._switch,
            settle_after_s=self._settings.settle_after_s,
            began_s=self._ledger.state.began_s or 0.0,
        )

    def _make_workers(self, spending: Spending | None) -> Workers:
        limit = None
        if spending is not None:
            limit = UnitsLimit(
                spending,
                client=self._client,
                ledger=self._ledger,
                reader=Reader(self._pacer.wait_for_read),
                look=self._following.look,
                to_settle=self._to_settle,
                settle_after_s=self._settings.settle_after_s,
                reporter=self._reporter,
                switch=self._switch,
            )
        attempts = Attempts(
            ledger=self._ledger,
            client=self._client,
            pacer=self._pacer,
            outcomes=self._outcomes,
            settler=self._settler,
            tagging=self._tagging,
            destinations=self._destinations,
            tally=self._tally,
            switch=self._switch,
        )
        return Workers(
            self._settings.concurrency,
            backlog=self._backlog,
            active_runs=self._active_runs,
            pacer=self._pacer,
            attempts=attempts,
            units_limit=limit,
            switch=self._switch,
        )

    def _make_watch(self) -> Watch:
        return Watch(
            settings=self._settings,
            base_url=self._client.settings.base_url,
            ledger=self._ledger,
            tally=self._tally,
            pacer=self._pacer,
            backlog=self._backlog,
            active_runs=self._active_runs,
            following=self._following,
            reporter=self._reporter,
            switch=self._switch,
        )

    async def run(self) -> Submission:
        """From the session's first event to its last."""
        if not self._switch.is_pulled:
            try:
                await self._ledger.record_durably(self._event("start"))
                await self._work()
            except (LedgerWriteError, PlanChangedError) as error:
                self._switch.pull(file_stop(error))
            except BaseException:
                # Cancelled by whoever called, or a bug: what was recorded becomes durable all the same.
                self._switch.pull(CANCELLED)
                await self._end()
                raise
        return await self._end()

    async def _work(self) -> None:
        await anyio.to_thread.run_sync(self._known_ids.load)
        await self._active_runs.count_earlier()
        first = await self._take_unknown()
        async with anyio.create_task_group() as helpers:
            helpers.start_soon(self._keep, self._ledger.keep_flushing)
            helpers.start_soon(self._keep, self._backlog.read_ahead)
            helpers.start_soon(self._watch.run)
            helpers.start_soon(self._settler.run)
            helpers.start_soon(self._following.run)
            await self._switch.unless_pulled(self._prove_organization)
            await self._switch.unless_pulled(partial(self._to_settle.wait_without, first))
            await self._workers.run()
            await self._switch.unless_pulled(self._settler.last_look)
            helpers.cancel_scope.cancel()

    async def _take_unknown(self) -> frozenset[str]:
        """Put what earlier sessions left unknown to be settled; the keys of those that must be settled before others are sent."""
        plan, state = self._plan, self._ledger.state
        # In a thread: a plan of a million runs takes seconds to go through.
        works = await anyio.to_thread.run_sync(
            lambda: list(unknown_work(plan, state, self._earlier, self._generations))
        )
        for work in works:
            self._backlog.adopt()
            self._active_runs.hold()
            if work.first_unknown_at_s is None:  # no attempt of this ledger: a list cannot reveal whose run it is
                trouble = state.runs[work.key].trouble
                self._outcomes.stays_unknown(work, trouble.describe() if trouble is not None else "")
            else:
                self._to_settle.put(work)
        works = [work for work in works if work.first_unknown_at_s is not None]
        return await anyio.to_thread.run_sync(clashing_keys, plan, works) if plan is not None else frozenset()

    async def _prove_organization(self) -> None:
        """Send nothing with a key that may be another organization's until it shows a run of an earlier session."""
        if self._controls.is_same_organization or not len(self._to_settle):
            return
        await self._backlog.wait_read()
        if self._backlog.is_empty:
            return
        await self._controls.wait_organization_proven(2 * self._settings.settle_after_s)  # lists are not further behind
        if not self._controls.is_same_organization:
            self._switch.pull(unproven_stop(self._ledger.path))

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work beside the others; stop the batch if the ledger or the plan can no longer be used."""
        try:
            await work()
        except (LedgerWriteError, PlanChangedError) as error:
            self._switch.pull(file_stop(error))

    async def _end(self) -> Submission:
        stop = self._switch.stop
        self._tally.end()
        try:
            with anyio.CancelScope(shield=True):
                await self._ledger.record_durably(self._event("stop"))
        except LedgerWriteError as error:
            self._switch.pull(file_stop(error))
            stop = self._switch.stop
        progress = self._watch.progress()
        self._reporter.progress(progress)
        return Submission(progress=progress, stop=stop, notes=self._reporter.sum_up())

    def _event(self, action: Literal["start", "stop"]) -> SessionEvent:
        is_stop = action == "stop"
        stop, offset_s = self._switch.stop, self._client.clock.offset_s
        return SessionEvent(
            at=self._ledger.clock.stamp(),
            action=action,
            reason=stop.reason.value if stop is not None else ("done" if is_stop else ""),
            pid=os.getpid(),
            host=socket.gethostname(),
            batchrun=version("batchrun-wherobots"),
            organization=self._ledger.state.organization,
            server_offset_s=None if offset_s is None else round(offset_s, 3),
            totals=self._tally.totals() if is_stop else None,
            rate=rate_table(self._pacer.learned()) if is_stop else None,
        )
