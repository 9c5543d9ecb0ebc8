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
            yield Work(key=run.key, name=run.name, planned=run)
        elif known.outcome is Outcome.PENDING or known.outcome in retry & RETRIABLE:
            yield _work(run.key, run.name, run, known)


def unknown_work(plan: Plan, state: BatchState) -> Iterator[Work]:
    """The runs whose outcome is unknown, also those that left the plan; they are settled first.

    A run without a name in the ledger (version 0.1 did not record it) and without a plan cannot be looked for, and stays
    unknown.
    """
    unknown = {key: run for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN}
    if not unknown:
        return
    for planned in plan:
        if (known := unknown.pop(planned.key, None)) is not None:
            yield _work(planned.key, planned.name, planned, known, failed_attempts=1)
        if not unknown:
            return
    for key, known in unknown.items():
        if known.name:
            yield _work(key, known.name, None, known, failed_attempts=1)


def _work(key: str, name: str, planned: PlannedRun | None, known: RunState, *, failed_attempts: int = 0) -> Work:
    return Work(
        key=key,
        name=name,
        planned=planned,
        n=known.n,
        failed_attempts=failed_attempts,
        first_unknown_at_s=known.since_s,
        exists_without_id=known.created,
        outcome=Outcome.UNKNOWN if known.outcome is Outcome.UNKNOWN else Outcome.PENDING,
        ended_as=known.outcome if known.outcome in RETRIABLE else None,
    )
