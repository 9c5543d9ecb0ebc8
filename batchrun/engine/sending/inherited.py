"""What earlier sessions leave to a session: runs of unknown outcome, and the question whether its key can see them."""

from collections.abc import Mapping

import anyio.to_thread

from batchrun.engine.generations import Generations
from batchrun.engine.sending.active_runs import ActiveRuns
from batchrun.engine.sending.backlog import Backlog
from batchrun.engine.sending.controls import Controls
from batchrun.engine.sending.outcomes import Outcomes
from batchrun.engine.sending.resume import clashing_keys, resent_earlier, unknown_work
from batchrun.engine.sending.settle_queue import SettleQueue
from batchrun.engine.sending.witnesses import earlier_witnesses
from batchrun.engine.stopping import StopSwitch, unproven_stop
from batchrun.ledger.file import FileLedger
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.clock import ServerClock

__all__ = ["Inherited"]


class Inherited:
    """Takes over what the ledger leaves open, before a session sends anything of its own."""

    def __init__(
        self,
        *,
        plan: Plan | None,
        earlier: Mapping[str, PlannedRun],
        generations: Generations,
        ledger: FileLedger,
        clock: ServerClock,
        backlog: Backlog,
        active_runs: ActiveRuns,
        to_settle: SettleQueue,
        controls: Controls,
        outcomes: Outcomes,
        switch: StopSwitch,
        settle_after_s: float,
    ) -> None:
        """``earlier`` holds unknown runs that left the plan, by key, as they were planned."""
        self._plan = plan
        self._earlier = earlier
        self._generations = generations
        self._ledger = ledger
        self._clock = clock
        self._backlog = backlog
        self._active_runs = active_runs
        self._to_settle = to_settle
        self._controls = controls
        self._outcomes = outcomes
        self._switch = switch
        self._settle_after_s = settle_after_s

    async def take_over(self) -> frozenset[str]:
        """Put what earlier sessions left unknown to be settled; the keys of those that must be settled before others are sent."""
        plan, state = self._plan, self._ledger.state
        # Lost runs are looked for by their creation time: how far behind that clock may be is known from then, too.
        self._clock.creation_lag_s = max(self._clock.creation_lag_s, state.creation_lag_s)
        self._outcomes.resent += resent_earlier(state, self._settle_after_s)
        # In a thread: a plan of a million runs takes seconds to go through.
        works = await anyio.to_thread.run_sync(
            lambda: list(unknown_work(plan, state, self._earlier, self._generations))
        )
        if works:
            self._controls.witnesses.find_earlier(lambda: earlier_witnesses(plan, state))
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

    async def prove_organization(self) -> None:
        """Send nothing with a key that may be another organization's until it shows a run of an earlier session."""
        if self._controls.is_same_organization or not len(self._to_settle):
            return
        await self._backlog.wait_read()
        if self._backlog.is_empty:
            return
        await self._controls.wait_organization_proven(2 * self._settle_after_s)  # lists are not further behind
        if not self._controls.is_same_organization:
            self._switch.pull(unproven_stop(self._ledger.path))
