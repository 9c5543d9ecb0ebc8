"""Drop planned runs, so that they are never sent: the outcome ``dropped``."""

from collections.abc import Iterator, Sequence

from batchrun.ledger.events import DroppedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import BatchState, Outcome
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["drop_runs", "pending_runs"]


def pending_runs(plan: Plan, state: BatchState) -> Iterator[PlannedRun]:
    """Planned runs of which nothing exists and that are still to be sent."""
    return (run for run in plan if state.outcome(run.key) is Outcome.PENDING)


async def drop_runs(ledger: FileLedger, runs: Sequence[PlannedRun]) -> None:
    """Record durably that these runs are not to be sent.

    Raises:
        LedgerWriteError: it could not be recorded.

    """
    for run in runs:
        known = ledger.state.runs.get(run.key)
        n = known.n if known is not None else 0
        ledger.record(DroppedEvent(at=ledger.clock.stamp(), key=run.key, n=n, name=run.name))
    await ledger.flush()
