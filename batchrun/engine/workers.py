"""The pool: workers over the backlog, until it is empty or the batch stops."""

import anyio

from batchrun.engine.attempt import Attempts
from batchrun.engine.backlog import Work
from batchrun.engine.session import Session
from batchrun.engine.stopping import StopReason
from batchrun.errors import LedgerWriteError

__all__ = ["run_workers"]


async def run_workers(session: Session, attempts: Attempts) -> None:
    """Run ``concurrency`` workers until the backlog is finished; on a stop, return when what is under way has ended."""
    async with anyio.create_task_group() as watch:
        async with anyio.create_task_group() as pool:
            watch.start_soon(_cancel_on_stop, session, pool.cancel_scope)
            for _ in range(session.settings.concurrency):
                pool.start_soon(_work, session, attempts)
        watch.cancel_scope.cancel()


async def _cancel_on_stop(session: Session, feeding: anyio.CancelScope) -> None:
    """Cancels what feeds the workers; attempts under way are shielded and end by themselves."""
    await session.switch.wait_pulled()
    feeding.cancel()


async def _next(session: Session) -> Work | None:
    """A run to send and a slot to send it in; the slot goes back with the run."""
    await session.window.enter()
    work = await session.backlog.take()
    if work is None:
        session.window.release()
    return work


async def _work(session: Session, attempts: Attempts) -> None:
    """One scope for all attempts of a worker, since making one for each costs more than recording it."""
    with anyio.CancelScope() as scope:
        while not session.switch.is_pulled and (work := await _next(session)) is not None:
            turn = await session.pacing.wait_for_permit()
            scope.shield = True
            try:
                await attempts.attempt(work, turn)
            except LedgerWriteError as error:
                session.switch.pull(StopReason.LEDGER, error.problems[0])
            finally:
                session.pacing.ended()
            scope.shield = False
