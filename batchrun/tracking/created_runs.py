"""The created runs of a batch, from its ledger as it grows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from batchrun.ledger.events import Event, StatusEvent, SubmittedEvent
from batchrun.ledger.state import BatchState, RunState
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.changes import Change, Followed
from batchrun.tracking.poller import Poller

__all__ = ["CREATED_BEFORE_S", "CreatedRuns", "Touched", "learn_from_ended", "recorded_change", "unfinished"]

CREATED_BEFORE_S = 60.0
"""How long before its answer was recorded a run may have been created, by clocks that are a little off."""


@dataclass(slots=True)
class _Touched:
    new_name: str | None = None
    event: StatusEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A run that the ledger has new events of; ``event`` is the latest about its status, ``is_new``: it was just created."""

    run: Followed
    event: StatusEvent | None
    is_new: bool


class CreatedRuns:
    """Observes the events of a ledger, and knows which runs they were about."""

    def __init__(self) -> None:
        self._touched: dict[str, _Touched] | None = None

    def observe(self, event: Event) -> None:
        """One event, before it is folded."""
        if self._touched is None:
            return
        match event:
            case SubmittedEvent():
                # In place of what was noted before, which is about the run of an earlier generation.
                self._touched[event.key] = _Touched(new_name=event.name)
            case StatusEvent():
                self._touched.setdefault(event.key, _Touched()).event = event

    def begin(self) -> None:
        """Remember what is new from here on."""
        self._touched = {}

    def take_new(self, state: BatchState) -> Iterator[Touched]:
        """The runs that events were about since the last call."""
        touched, self._touched = self._touched or {}, {}
        for key, of_run in touched.items():
            run, event = state.runs.get(key), of_run.event  # the event may be about an earlier generation
            if run is not None and run.run_id is not None and (event is None or event.run_id == run.run_id):
                followed = _followed(key, run.run_id, run, state)
                followed.name = of_run.new_name or followed.name
                yield Touched(run=followed, event=event, is_new=of_run.new_name is not None)


def unfinished(state: BatchState) -> Iterator[Followed]:
    """The runs that the ledger knows as created and not as ended."""
    for key, run in state.runs.items():
        if run.run_id is not None and not has_ended(run.status):
            yield _followed(key, run.run_id, run, state)


def learn_from_ended(state: BatchState, poller: Poller) -> Counter[str]:
    """Let the poller expect of runs what those that ended were like; returns how many ended with which status."""
    ended_s, lengths_s, statuses = list[float](), list[float](), Counter[str]()
    for run in state.runs.values():
        if run.run_id is None or run.status is None or not has_ended(run.status):
            continue
        statuses[run.status] += 1
        if (tracked := run.tracked) is None or tracked.created_s is None:
            continue
        ended_s.append(tracked.created_s)
        if tracked.completed_s is not None:
            lengths_s.append(tracked.completed_s - tracked.created_s)
        if tracked.completed_s is not None and tracked.started_s is not None:
            # The ledger does not keep a run's runtime.
            poller.durations.learn(None, tracked.completed_s - tracked.started_s)
    poller.add_ended(ended_s, median(lengths_s) if lengths_s else None)
    return statuses


def recorded_change(run: Followed, event: StatusEvent, before: str | None) -> Change:
    """What another process recorded, as a change."""
    return Change(
        key=run.key,
        name=run.name,
        run_id=run.run_id,
        status=event.status,
        before=before,
        create_time=event.create_time,
        start_time=event.start_time,
        complete_time=event.complete_time,
        kube_app_id=event.kube_app_id,
        code=event.code,
        message=event.message,
        runtime=run.runtime,
    )


def _followed(key: str, run_id: str, run: RunState, state: BatchState) -> Followed:
    """A run with its creation time, or that of the batch: no run was created before it, unless it was adopted."""
    tracked = run.tracked
    created_s = tracked.created_s if tracked is not None else None
    began_s = (state.began_s or 0.0) - CREATED_BEFORE_S
    return Followed(
        key=key,
        name=run.name or "",
        run_id=run_id,
        status=run.status,
        created_s=created_s if created_s is not None else began_s,
        started_s=tracked.started_s if tracked is not None else None,
    )
