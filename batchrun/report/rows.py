"""The runs of a batch as rows, from the ledger alone: what tables, breakdowns, exports and the report are made of."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from batchrun.errors import LedgerFormatError, Trouble
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import AttemptEvent, CostEvent, Event, FailedEvent, RejectedEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, EarlierRun, Outcome, RunState, Tracked, fold
from batchrun.ledger.reader import read_events
from batchrun.sweep.runs import PlannedRun

__all__ = ["BatchRows", "RunRow", "planned_row", "read_rows", "tracked_fields"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One planned run with an event in the ledger, in its latest generation. Times are epoch seconds."""

    key: str
    name: str
    """The planned name; at the service, later generations have a suffix such as ``-r2``."""
    outcome: Outcome
    is_planned: bool
    """Whether the batch's current plan contains it."""
    generation: int
    run_id: str | None
    status: str | None
    """The latest status reported by the service; None if none was reported."""
    trouble: Trouble | None
    """Why it was rejected, or why creating it failed."""
    code: str | None
    """Why the created run ended badly: the code of the service's event, and its message."""
    message: str | None
    attempts: int
    via: str | None
    first_attempt_s: float | None
    submitted_s: float | None
    created_s: float | None
    started_s: float | None
    completed_s: float | None
    kube_app_id: str | None
    cost: CostEvent | None
    earlier: tuple[EarlierRun, ...]
    point: dict[str, Any]
    """Values by axis; a record axis holds its fields as a dictionary. Empty until the run is submitted."""

    @property
    def waited_s(self) -> float | None:
        """Seconds from creation until the run starts."""
        return _span(self.created_s, self.started_s)

    @property
    def ran_s(self) -> float | None:
        """Seconds from the start of the run to its end."""
        return _span(self.started_s, self.completed_s)


@dataclass(slots=True, kw_only=True)
class BatchRows:
    """A batch's state, and its runs as rows in the order of their first event."""

    state: BatchState
    rows: list[RunRow]


@dataclass(slots=True)
class _Seen:
    """What the fold does not keep of a run."""

    name: str = ""
    first_attempt_s: float | None = None
    submitted_s: float | None = None
    via: str | None = None
    point: bytes = b"{}"


@dataclass(slots=True)
class _Collector:
    state: BatchState = field(default_factory=BatchState)
    seen: dict[str, _Seen] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        fold(self.state, event)
        match event:
            case AttemptEvent():
                seen = self._of(event.key, event.name if event.generation == 1 else "")
                seen.first_attempt_s = seen.first_attempt_s or epoch_seconds(event.at)
            case SubmittedEvent():
                seen = self._of(event.key, event.name if event.generation == 1 else "")
                seen.submitted_s, seen.via, seen.point = epoch_seconds(event.at), event.via, bytes(event.point)
            case RejectedEvent() | FailedEvent():
                self._of(event.key, event.name).point = bytes(event.point)

    def _of(self, key: str, name: str) -> _Seen:
        seen = self.seen.get(key)
        if seen is None:
            seen = self.seen[key] = _Seen()
        seen.name = name or seen.name
        return seen


def read_rows(ledger: str | Path, *, observe: Callable[[Event], object] | None = None) -> BatchRows:
    """The rows of a ledger; ``observe`` receives every event in passing, so that the file is read once.

    Raises:
        LedgerError: the file cannot be read, is not a ledger of this format, or is damaged.

    """
    path, collector = Path(ledger), _Collector()
    for event in read_events(path):
        collector.add(event)
        if observe is not None:
            observe(event)
    if collector.state.batch is None:
        raise LedgerFormatError(str(path), "the ledger is empty", "submit the sweep again")
    return BatchRows(state=collector.state, rows=list(_rows(collector)))


def _rows(collector: _Collector) -> Iterable[RunRow]:
    # A compacted ledger may lack the lines that said more.
    nothing = _Seen()
    for key, run in collector.state.runs.items():
        yield _row(key, run, collector.seen.get(key, nothing))


def _row(key: str, run: RunState, seen: _Seen) -> RunRow:
    return RunRow(
        key=key,
        name=seen.name or run.name or "",
        outcome=run.outcome,
        is_planned=run.is_planned,
        generation=run.generation,
        run_id=run.run_id,
        status=run.status,
        trouble=run.trouble,
        **tracked_fields(run.tracked),
        attempts=run.n,
        via=seen.via,
        first_attempt_s=seen.first_attempt_s,
        submitted_s=seen.submitted_s,
        earlier=run.earlier,
        point=json.loads(seen.point),
    )


def planned_row(run: PlannedRun) -> RunRow:
    """The row of a planned run that the ledger has no event of."""
    return _row(run.key, RunState(), _Seen(name=run.name, point=run.point_json))


def _span(begin_s: float | None, end_s: float | None) -> float | None:
    return None if begin_s is None or end_s is None else max(0.0, end_s - begin_s)


_NOTHING_TRACKED = Tracked()


class TrackedFields(TypedDict):
    """The fields of a row that are known from following its run."""

    code: str | None
    message: str | None
    created_s: float | None
    started_s: float | None
    completed_s: float | None
    kube_app_id: str | None
    cost: CostEvent | None


def tracked_fields(tracked: Tracked | None) -> TrackedFields:
    """All of them None for a run that nobody followed."""
    known = tracked or _NOTHING_TRACKED
    return TrackedFields(
        code=known.code,
        message=known.message,
        created_s=known.created_s,
        started_s=known.started_s,
        completed_s=known.completed_s,
        kube_app_id=known.kube_app_id,
        cost=known.cost,
    )
