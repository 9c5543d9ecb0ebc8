"""Fetch costs: a hundred ids per call, or run by run where that call is refused."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from types import MappingProxyType

import anyio.to_thread

from batchrun.errors import ApiError, Problem
from batchrun.ledger.events import CostEvent, Event
from batchrun.ledger.shared import SharedLedger
from batchrun.ledger.state import BatchState
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.wherobots.billing import MOST_IDS, Billing, RunCost, UnavailableCost

__all__ = ["BilledRun", "CostReport", "fetch_costs", "refresh_costs", "unsettled_runs"]

RECORDED_AT_ONCE = 1000
"""Costs that one append writes: few syncs, and little to ask for again if the process dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRun:
    """A run whose cost is to be learned; ``known`` is what the ledger has."""

    key: str
    run_id: str
    kube_app_id: str | None
    known: CostEvent | None


@dataclass(slots=True)
class CostReport:
    """The result of refreshing costs."""

    calls: int = 0
    unavailable: dict[str, int] = field(default_factory=dict)
    """Runs whose cost is not known, by reason."""
    problems: list[Problem] = field(default_factory=list)
    """Calls that were refused."""
    changed: int = 0
    """Costs that were recorded."""
    unrecorded: int = 0
    """Costs that could not be recorded, because another process holds the ledger."""

    def notes(self, ledger: str) -> Iterator[Problem]:
        """Problems worth knowing."""
        for problem in self.problems[:1]:  # the same for every call
            fix = "costs are taken from each run's metrics instead, where available"
            yield Problem(problem.place, problem.fact, fix)
        for reason, count in sorted(self.unavailable.items()):
            yield Problem(_runs(count), f"the service reports no costs: {reason}", "try again later")
        if self.unrecorded:
            fact = f"the costs of {_runs(self.unrecorded)} could not be recorded: another process writes the ledger"
            yield Problem(ledger, fact, "try again when it has ended")


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def unsettled_runs(state: BatchState, *, only_ended: bool = False) -> Iterator[BilledRun]:
    """Every created run whose cost may still change, those of earlier generations included."""
    for key, run in state.runs.items():
        runs = [(one.run_id, one.tracked) for one in run.earlier]
        if run.run_id is not None and not (only_ended and not has_ended(run.status)):
            runs.append((run.run_id, run.tracked))
        for run_id, tracked in runs:
            known = tracked.cost if tracked is not None else None
            if known is None or known.state != "final":
                app_id = tracked.kube_app_id if tracked is not None else None
                yield BilledRun(key=key, run_id=run_id, kube_app_id=app_id, known=known)


async def fetch_costs(
    billing: Billing, runs: Iterable[BilledRun], *, reader: Reader, stamp: Callable[[], str], report: CostReport
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
        report.calls += 1
        try:
            found = await reader.read(partial(billing.costs, [run.kube_app_id or "" for run in asked]))
        except CallRefusedError as error:
            report.problems.append(error.error.problems[0])
            is_refused = True
            # Refused for these, refused for all: the rest is asked for by metrics at once.
            by_metrics += asked
            continue
        except ApiError as error:
            report.problems.append(error.problems[0])
            continue
        if found is None:
            continue
        for run in asked:
            if (event := _event(run, found[run.kube_app_id or ""], stamp, report)) is not None:
                yield event
    async for event in _from_metrics(billing, by_metrics, reader=reader, stamp=stamp, report=report):
        yield event


async def _from_metrics(
    billing: Billing, runs: Sequence[BilledRun], *, reader: Reader, stamp: Callable[[], str], report: CostReport
) -> AsyncIterator[CostEvent]:
    for run in runs:
        report.calls += 1
        try:
            found = await reader.read(partial(billing.metrics, run.run_id), may_miss=True)
        except CallRefusedError as error:
            report.problems.append(error.error.problems[0])
            return
        except ApiError:
            _count(report, "not readable")
            continue
        if found is None:
            _count(report, "not_found")
        elif (event := _event(run, found, stamp, report)) is not None:
            yield event


def _event(
    run: BilledRun, found: RunCost | UnavailableCost, stamp: Callable[[], str], report: CostReport
) -> CostEvent | None:
    """The event for what changed; None where nothing did. A final cost is never taken back."""
    if isinstance(found, UnavailableCost):
        _count(report, found.reason)
        return None
    event = CostEvent(
        at=stamp(),
        key=run.key,
        run_id=run.run_id,
        state=found.state,
        cost=found.cost,
        currency=found.currency,
        spatial_units=found.spatial_units,
    )
    return None if _is_same(run.known, event) else event


def _count(report: CostReport, reason: str) -> None:
    report.unavailable[reason] = report.unavailable.get(reason, 0) + 1


async def refresh_costs(
    ledger: SharedLedger, billing: Billing, reader: Reader, *, apps: Mapping[str, str | None] = MappingProxyType({})
) -> CostReport:
    """Ask for every cost that may still change, and record what did. Others may be writing the ledger meanwhile.

    ``apps`` are those of active runs, by run id, where they were just looked at: a run that has none costs nothing yet.

    Raises:
        LedgerError: the ledger cannot be read or written.

    """
    report, found = CostReport(), list[CostEvent]()
    runs = await anyio.to_thread.run_sync(lambda: list(_with_apps(unsettled_runs(ledger.state), apps)))
    async for event in fetch_costs(billing, runs, reader=reader, stamp=ledger.clock.stamp, report=report):
        found.append(event)
        if len(found) >= RECORDED_AT_ONCE:
            await _record(ledger, found, report)
    await _record(ledger, found, report)
    return report


def _with_apps(runs: Iterable[BilledRun], apps: Mapping[str, str | None]) -> Iterator[BilledRun]:
    for run in runs:
        if run.kube_app_id is not None or run.run_id not in apps:
            yield run
        elif (app_id := apps[run.run_id]) is not None:
            yield replace(run, kube_app_id=app_id)


async def _record(ledger: SharedLedger, found: list[CostEvent], report: CostReport) -> None:
    """Append what is still news; kept for later while another process holds the ledger."""

    def news(state: BatchState) -> list[Event]:
        # Compared with the ledger at the moment of writing: another process may have recorded some meanwhile.
        known = {run.run_id: run.known for run in unsettled_runs(state)}
        return [event for event in found if event.run_id in known and not _is_same(known[event.run_id], event)]

    if not found:
        return
    report.unrecorded = len(found)
    is_recorded = await anyio.to_thread.run_sync(ledger.append, news)
    if is_recorded:
        report.changed += len(found)
        report.unrecorded = 0
        found.clear()


def _is_same(known: CostEvent | None, event: CostEvent) -> bool:
    return known is not None and (known.state, known.cost, known.spatial_units) == (
        event.state,
        event.cost,
        event.spatial_units,
    )
