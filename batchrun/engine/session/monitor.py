"""Runs alongside a session: reports progress, saves what was learned, and notices when the session is stuck."""

import time
from dataclasses import replace

import anyio

from batchrun.engine.learned_rate import RateRecorder
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Progress, Reporter
from batchrun.engine.sending.active_runs import ActiveRuns, HeldBy
from batchrun.engine.sending.backlog import Backlog
from batchrun.engine.session.bottleneck import Load, bottleneck
from batchrun.engine.session.follower import SessionFollower
from batchrun.engine.session.patience import Patience
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch, patience_stop
from batchrun.engine.tally import Tally
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import Outcome

__all__ = ["Monitor"]

EVERY_S = 0.1
"""Fast enough to look alive, slow enough to cost nothing."""


class Monitor:
    """Looks at the parts of a session, and changes none of them but the switch."""

    def __init__(
        self,
        *,
        settings: SubmitSettings,
        base_url: str,
        ledger: FileLedger,
        tally: Tally,
        pacer: Pacer,
        backlog: Backlog,
        active_runs: ActiveRuns,
        follower: SessionFollower,
        reporter: Reporter,
        switch: StopSwitch,
    ) -> None:
        self._settings = settings
        self._base_url = base_url
        self._tally = tally
        self._pacer = pacer
        self._backlog = backlog
        self._active_runs = active_runs
        self._follower = follower
        self._reporter = reporter
        self._switch = switch
        self._rate_recorder = RateRecorder(ledger, pacer)
        self._changes = 0
        self._patience = Patience(settings.give_up_after_s, now=time.monotonic())

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            self._reporter.progress(self.progress())
            self._rate_recorder.keep(time.monotonic())
            if self._is_stuck():
                after_s = self._settings.give_up_after_s or 0.0
                self._switch.pull(
                    patience_stop(self._base_url, after_s, self._follower.failure or self._tally.last_failure)
                )
            await anyio.sleep(EVERY_S)

    def progress(self) -> Progress:
        """The batch now."""
        active_runs, tally = self._active_runs, self._tally
        load = Load(
            in_flight=tally.in_flight,
            concurrency=self._settings.concurrency,
            has_begun=tally.attempts > 0,
            active=active_runs.count,
            # With nothing left to send, a full quota holds nobody up.
            held_by=active_runs.held_by if tally.outcomes[Outcome.PENDING] else None,
            next_probe_s=active_runs.next_probe_s,
            last_failure=tally.last_failure,
        )
        progress = tally.snapshot(
            bottleneck(self._pacer.pace(), load), waiting=self._backlog.waiting, active=active_runs.count
        )
        if load.held_by is HeldBy.QUOTA:  # when there is room again is up to others, or to runs that take hours
            progress = replace(progress, left_s=None)
        if progress.active is None:
            return progress
        return replace(progress, active_limit=active_runs.limit, run_status=self._follower.statuses)

    def _is_stuck(self) -> bool:
        outcomes = self._tally.outcomes
        return self._patience.is_over(
            time.monotonic(),
            done=outcomes[Outcome.SUBMITTED] + outcomes[Outcome.REJECTED],
            waits_for_own_runs=self._waits_for_own_runs(),
        )

    def _waits_for_own_runs(self) -> bool:
        """Whether runs of this batch make room: those that ``max_active`` counts, or any that changes while a quota is used up."""
        active_runs, changes = self._active_runs, self._follower.changes
        has_changed, self._changes = changes != self._changes, changes
        if active_runs.held_by is HeldBy.MAX_ACTIVE:
            # A run of which nothing can be read may have ended long ago: then nobody waits for it.
            return bool(active_runs.active) and not self._follower.failure
        # A run that ends makes room, so the quota no longer holds the batch when its end is seen here.
        return active_runs.has_quota and has_changed
