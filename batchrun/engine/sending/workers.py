"""The worker pool: attempts run over the backlog until it is empty or the batch stops."""

import anyio

from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.sending.active_runs import ActiveRuns
from batchrun.engine.sending.attempt import Attempts
from batchrun.engine.sending.backlog import Backlog, Work
from batchrun.engine.sending.units_limit import UnitsLimit
from batchrun.engine.stopping import StopSwitch, ledger_stop
from batchrun.errors import LedgerWriteError

__all__ = ["Workers"]


class Workers:
    """``concurrency`` workers, each with one attempt at a time."""

    def __init__(
        self,
        concurrency: int,
        *,
        backlog: Backlog,
        active_runs: ActiveRuns,
        pacer: Pacer,
        attempts: Attempts,
        units_limit: UnitsLimit | None = None,
        switch: StopSwitch,
    ) -> None:
        self._concurrency = concurrency
        self._backlog = backlog
        self._active_runs = active_runs
        self._pacer = pacer
        self._attempts = attempts
        self._units_limit = units_limit
        self._switch = switch

    async def run(self) -> None:
        """Return when the backlog is finished; on a stop, when the attempts in flight have ended."""
        async with anyio.create_task_group() as watch:
            async with anyio.create_task_group() as pool:
                watch.start_soon(self._cancel_on_stop, pool.cancel_scope)
                for _ in range(self._concurrency):
                    pool.start_soon(self._work)
            watch.cancel_scope.cancel()

    async def _cancel_on_stop(self, waiting: anyio.CancelScope) -> None:
        """Cancels workers that wait for something to do; attempts in flight are shielded and end by themselves."""
        await self._switch.wait_pulled()
        waiting.cancel()

    async def _next(self) -> Work | None:
        """A run to send and a slot to send it in; the slot goes back with the run."""
        await self._active_runs.enter()
        work = await self._backlog.take()
        if work is None:
            self._active_runs.release()
        elif self._units_limit is not None and not await self._units_limit.admit(work):
            # Pending, and its slot free again: the batch stops, and a later session sends it.
            self._backlog.put(work)
            return None
        return work

    async def _work(self) -> None:
        """One scope serves all attempts of a worker: making one for each costs more than recording the attempt."""
        with anyio.CancelScope() as scope:
            while not self._switch.is_pulled and (work := await self._next()) is not None:
                permit = await self._pacer.wait_for_permit()
                # A permit or hold that is not returned would be missing until the end: hence the finally.
                try:
                    if work.looked_from_s is None or await self._attempts.may_send(work):
                        scope.shield = True  # a POST under way ends by itself, by the client's own timeout
                        await self._attempts.attempt(work, permit)
                except LedgerWriteError as error:
                    self._switch.pull(ledger_stop(error))
                finally:
                    self._pacer.ended(permit)
                    if self._units_limit is not None:
                        self._units_limit.leave(work)
                scope.shield = False
