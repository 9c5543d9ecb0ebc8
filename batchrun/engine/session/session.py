"""One session of a batch, step by step: it runs until nothing is left to do, or until it stops."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import anyio.to_thread

from batchrun.engine.session.wiring import SessionParts, SessionSpec, wire
from batchrun.engine.stopping import CANCELLED, file_stop
from batchrun.engine.submission import Submission
from batchrun.errors import LedgerWriteError, PlanChangedError

__all__ = ["run_session"]


async def run_session(spec: SessionSpec) -> Submission:
    """From the session's first event to its last."""
    parts = wire(spec)
    if not parts.switch.is_pulled:
        try:
            await parts.events.record_start()
            await _work(parts)
        except (LedgerWriteError, PlanChangedError) as error:
            parts.switch.pull(file_stop(error))
        except BaseException:
            # Cancelled by whoever called, or a bug: what was recorded becomes durable all the same.
            parts.switch.pull(CANCELLED)
            await _end(parts)
            raise
    return await _end(parts)


async def _work(parts: SessionParts) -> None:
    """Settle what must be settled first, send the rest, and look once more at what was sent twice."""
    unless_stopped = parts.switch.unless_pulled
    # Both before anything is sent or adopted: whose an id is, and how many slots earlier sessions still hold.
    await anyio.to_thread.run_sync(parts.known_ids.load)
    await parts.active_runs.count_earlier()
    first = await parts.inherited.take_over()
    async with anyio.create_task_group() as helpers:
        helpers.start_soon(_keep, parts, parts.ledger.keep_flushing)
        helpers.start_soon(_keep, parts, parts.backlog.read_ahead)
        helpers.start_soon(parts.monitor.run)
        helpers.start_soon(parts.settler.run)
        helpers.start_soon(parts.follower.run)
        await unless_stopped(parts.inherited.prove_organization)
        await unless_stopped(partial(parts.to_settle.wait_without, first))
        await parts.workers.run()
        await unless_stopped(parts.settler.last_look)
        helpers.cancel_scope.cancel()


async def _keep(parts: SessionParts, work: Callable[[], Awaitable[None]]) -> None:
    """Do some work beside the others; stop the batch if the ledger or the plan can no longer be used."""
    try:
        await work()
    except (LedgerWriteError, PlanChangedError) as error:
        parts.switch.pull(file_stop(error))


async def _end(parts: SessionParts) -> Submission:
    # Read before the last event: a Ctrl-C while it is being written no longer stops anything.
    stop = parts.switch.stop
    parts.tally.end()
    try:
        with anyio.CancelScope(shield=True):
            await parts.events.record_stop()
    except LedgerWriteError as error:
        parts.switch.pull(file_stop(error))
        stop = parts.switch.stop
    progress = parts.monitor.progress()
    parts.reporter.progress(progress)
    return Submission(progress=progress, stop=stop, notes=parts.reporter.sum_up())
