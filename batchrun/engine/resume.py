"""What is left to do for a plan, given what its ledger already knows."""

from collections.abc import Iterator

from batchrun.engine.backlog import Work
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["RETRIABLE", "unknown_work", "unsent_work"]

RETRIABLE = frozenset({Outcome.REJECTED, Outcome.FAILED})
"""Outcomes that a person may ask to send again."""


def unsent_work(plan: Plan, state: BatchState, retry: frozenset[Outcome]) -> Iterator[Work]:
    """What is still to be sent, in plan order, as a stream: pending runs, and those that ``retry`` brings back."""
    for run in plan:
        known = state.runs.get(run.key)
        if known is None:
            yield Work(run=run)
        elif known.outcome is Outcome.PENDING or known.outcome in retry & RETRIABLE:
            yield Work(run=run, n=known.n)


def unknown_work(plan: Plan, state: BatchState) -> list[Work]:
    """The runs whose outcome is unknown; they are settled first."""
    if not state.count(Outcome.UNKNOWN):
        return []
    return [
        _unknown(run, known)
        for run in plan
        if (known := state.runs.get(run.key)) is not None and known.outcome is Outcome.UNKNOWN
    ]


def _unknown(run: PlannedRun, known: RunState) -> Work:
    return Work(
        run=run,
        n=known.n,
        failed_attempts=1,
        first_unknown_at_s=known.since_s,
        exists_without_id=known.created,
    )
