"""Learning what runs cost: a hundred ids a call, run by run where that call is refused, nothing where neither works."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from batchrun.errors import ApiError, Problem
from batchrun.ledger.events import CostEvent
from batchrun.ledger.fold import BatchState
from batchrun.wherobots.billing import MOST_IDS, Billing, RunCost, UnavailableCost

__all__ = ["BilledRun", "CostReport", "fetch_costs", "unsettled_runs"]

REFUSED = frozenset({401, 403, 404, 405, 501})
"""Answers that mean that this key may not make the call, or that the service does not have it."""
Wait = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRun:
    """A run whose cost is to be learned; ``known`` is what the ledger has."""

    key: str
    run_id: str
    kube_app_id: str | None
    known: CostEvent | None


@dataclass(slots=True)
class CostReport:
    """How a refresh went."""

    calls: int = 0
    unavailable: dict[str, int] = field(default_factory=dict)
    """Runs whose cost is not known, by reason."""
    problems: list[Problem] = field(default_factory=list)
    """Calls that were refused."""


def unsettled_runs(state: BatchState) -> Iterator[BilledRun]:
    """Every created run whose cost may still change, those of earlier generations included."""
    for key, run in state.runs.items():
        runs = [(one.run_id, one.tracked) for one in run.earlier]
        runs += [(run.run_id, run.tracked)] if run.run_id is not None else []
        for run_id, tracked in runs:
            known = tracked.cost if tracked is not None else None
            if known is None or known.state != "final":
                app_id = tracked.kube_app_id if tracked is not None else None
                yield BilledRun(key=key, run_id=run_id, kube_app_id=app_id, known=known)


async def fetch_costs(
    billing: Billing, runs: Iterable[BilledRun], *, wait_for_read: Wait, stamp: Callable[[], str], report: CostReport
) -> AsyncIterator[CostEvent]:
    """The costs that changed, as events for the ledger.

    Runs whose app id is not known are asked for by their metrics, as are all where the costs call is refused.
    """
    by_metrics: list[BilledRun] = []
    source = iter(runs)
    is_refused = False
    while chunk := list(islice(source, MOST_IDS)):
        by_metrics += [run for run in chunk if run.kube_app_id is None or is_refused]
        asked = [] if is_refused else [run for run in chunk if run.kube_app_id is not None]
        if not asked:
            continue
        try:
            await wait_for_read()
            report.calls += 1
            found = await billing.costs([run.kube_app_id or "" for run in asked])
        except ApiError as error:
            report.problems.append(error.problems[0])
            if error.trouble.status not in REFUSED:
                continue
            is_refused = True
            by_metrics += asked
            continue
        for run in asked:
            if (event := _event(run, found[run.kube_app_id or ""], stamp, report)) is not None:
                yield event
    async for event in _from_metrics(billing, by_metrics, wait_for_read=wait_for_read, stamp=stamp, report=report):
        yield event


async def _from_metrics(
    billing: Billing, runs: Sequence[BilledRun], *, wait_for_read: Wait, stamp: Callable[[], str], report: CostReport
) -> AsyncIterator[CostEvent]:
    for run in runs:
        try:
            await wait_for_read()
            report.calls += 1
            found = await billing.metrics(run.run_id)
        except ApiError as error:
            if error.trouble.status in REFUSED - {404}:  # a 404 is about this run
                report.problems.append(error.problems[0])
                return
            _count(report, "not_found" if error.trouble.status == 404 else "not readable")  # noqa: PLR2004
            continue
        if (event := _event(run, found, stamp, report)) is not None:
            yield event


def _event(
    run: BilledRun, found: RunCost | UnavailableCost, stamp: Callable[[], str], report: CostReport
) -> CostEvent | None:
    """The event for what changed; None where nothing did. A final cost is never taken back."""
    if isinstance(found, UnavailableCost):
        _count(report, found.reason)
        return None
    known = run.known
    if known is not None and (known.state, known.cost, known.spatial_units) == (
        found.state,
        found.cost,
        found.spatial_units,
    ):
        return None
    return CostEvent(
        at=stamp(),
        key=run.key,
        run_id=run.run_id,
        state=found.state,
        cost=found.cost,
        currency=found.currency,
        spatial_units=found.spatial_units,
    )


def _count(report: CostReport, reason: str) -> None:
    report.unavailable[reason] = report.unavailable.get(reason, 0) + 1
