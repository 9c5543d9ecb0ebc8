"""What is left to do for a plan, given its ledger."""

import time
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from batchrun.engine.generations import Generations
from batchrun.engine.listing.explained import explained_names
from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.resent import Resent
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["FIRST", "RETRIABLE", "clashing_keys", "resent_earlier", "unknown_work", "unsent_work"]

FIRST = Generations()
"""Nothing is rerun."""
RETRIABLE = frozenset({Outcome.REJECTED, Outcome.FAILED})
"""Outcomes that may be retried."""


def unsent_work(
    plan: Plan, state: BatchState, retry: frozenset[Outcome], generations: Generations = FIRST
) -> Iterator[Work]:
    """Stream what is still to be sent, in plan order: pending runs, and those that ``retry`` selects."""
    namesakes = dict(explained_names(state))
    for planned in plan:
        run = generations.planned(planned)
        known = state.runs.get(run.key)
        if known is None:
            work = Work(key=run.key, name=run.name, planned=run)
        elif known.outcome is Outcome.PENDING or known.outcome in retry & RETRIABLE:
            work = _work(known, key=run.key, name=run.name, planned=run)
        else:
            continue
        work.namesake_at_s = namesakes.get(run.name) if namesakes else None
        yield work


def unknown_work(
    plan: Plan | None,
    state: BatchState,
    earlier: Mapping[str, PlannedRun] = MappingProxyType({}),
    generations: Generations = FIRST,
) -> Iterator[Work]:
    """The runs whose outcome is unknown, also those that left the plan, and all of them where there is no plan.

    ``earlier`` holds those that left it as the earlier plan had them, by key. A run without a name in the ledger (version
    0.1 did not record it) and without a plan cannot be looked for, and stays unknown.
    """
    # Along the plan, and no further than the last of them: each is made anew, and few of a million are unknown.
    unknown = {key: run for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN}
    for run in plan if plan is not None and unknown else ():
        if (known := unknown.pop(run.key, None)) is not None:
            planned = generations.planned(run)
            yield _inherited(planned.key, planned.name, known, planned=planned)
        if not unknown:
            return
    for key, known in unknown.items():
        as_planned = earlier.get(key)
        name = known.name or (as_planned.name if as_planned is not None else None)
        if name is not None:
            yield _inherited(key, name, known, earlier=as_planned)


def clashing_keys(plan: Plan, works: Iterable[Work]) -> frozenset[str]:
    """Those of runs that left the plan whose names it now gives to other keys.

    Two keys under one name, both unknown, cannot be distinguished in a list once the payload is no longer known.
    """
    gone = {work.name: work.key for work in works if work.planned is None}
    return frozenset(gone[run.name] for run in plan if run.name in gone) if gone else frozenset()


def _inherited(
    key: str, name: str, known: RunState, *, planned: PlannedRun | None = None, earlier: PlannedRun | None = None
) -> Work:
    # How many attempts failed before is not in the state: only the lost one is known to be one.
    work = _work(known, key=key, name=name, planned=planned, failed_attempts=1)
    work.earlier, work.is_counted, work.is_inherited = earlier, known.is_planned, True
    return work


def _work(known: RunState, *, key: str, name: str, planned: PlannedRun | None, failed_attempts: int = 0) -> Work:
    # `n` counts over all generations: a rerun that was never sent has attempts, but none of its own.
    is_untried_rerun = known.generation > 1 and known.outcome is Outcome.PENDING and known.since is None
    return Work(
        key=key,
        name=name,
        planned=planned,
        n=known.n,
        generation=known.generation,
        was_sent=known.n > 0 and not is_untried_rerun,
        failed_attempts=failed_attempts,
        first_unknown_at_s=known.since_s,
        first_unknown_n=known.since_n,
        exists_without_id=known.created,
        outcome=Outcome.UNKNOWN if known.outcome is Outcome.UNKNOWN else Outcome.PENDING,
        ended_as=known.outcome if known.outcome in RETRIABLE else None,
    )


def resent_earlier(state: BatchState, settle_after_s: float) -> Iterator[Resent]:
    """Runs that an earlier session sent more than once, and did not look for once more before it ended.

    When their last POST left is no longer known: it may have been just before this session.
    """
    for key, (name, since_s) in state.to_check.items():
        reported = frozenset(state.duplicates.get(key, ()))
        not_before_s = time.monotonic() + settle_after_s
        yield Resent(key=key, name=name, first_sent_at_s=since_s, not_before_s=not_before_s, reported=reported)
