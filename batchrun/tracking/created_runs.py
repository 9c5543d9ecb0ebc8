"""The created runs of a batch as its ledger tells of them, while the ledger grows."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import Event, StatusEvent, SubmittedEvent
from batchrun.ledger.state import BatchState, RunState
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.changes import Change, Followed
from batchrun.tracking.poller import Poller

__all__ = ["CreatedRuns", "Touched", "recorded_change"]

CREATED_BEFORE_S = 60.0
"""How long before its answer was recorded a run may have been created, by clocks that are a little off."""


@dataclass(slots=True)
class _Touched:
    is_new: bool = False
    event: StatusEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A run that the ledger has new events of; ``event`` is the latest about its status, ``is_new``: it was just created."""

    run: Followed
    event: StatusEvent | None
    is_new: bool


class CreatedRuns:
    """Observes the events of a ledger; keeps the names of runs that have not ended, which the state leaves out."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float | None]] = {}
        self._touched: dict[str, _Touched] | None = None

    def observe(self, event: Event) -> None:
        """One event, before it is folded."""
        match event:
            case SubmittedEvent():
                # A run that was found later may have been created at any time before.
                created_s = epoch_seconds(event.at) if event.via == "response" else None
                self._known[event.key] = event.name, created_s
                if self._touched is not None:
                    self._touched[event.key] = _Touched(is_new=True)
            case StatusEvent() if self._touched is not None:
                self._touched.setdefault(event.key, _Touched()).event = event
            case StatusEvent() if has_ended(event.status):
                self._known.pop(event.key, None)

    def begin(self, state: BatchState, poller: Poller, now_s: float) -> None:
        """Let the poller follow what has not ended, and learn from what has; from here on, remember what is new."""
        ended_s, lengths_s = list[float](), list[float]()
        for key, run in state.runs.items():
            if run.run_id is None:
                continue
            if not has_ended(run.status):
                poller.add(self._followed(key, run.run_id, run, state), now_s)
            elif (tracked := run.tracked) is not None and tracked.created_s is not None:
                ended_s.append(tracked.created_s)
                if tracked.completed_s is not None:
                    lengths_s.append(tracked.completed_s - tracked.created_s)
                if tracked.completed_s is not None and tracked.started_s is not None:
                    poller.durations.learn(None, tracked.completed_s - tracked.started_s)
        poller.add_ended(ended_s, median(lengths_s) if lengths_s else None)
        self._touched = {}

    def take_new(self, state: BatchState) -> Iterator[Touched]:
        """The runs that events were about since the last call."""
        touched, self._touched = self._touched or {}, {}
        for key, of_run in touched.items():
            run, event = state.runs.get(key), of_run.event
            if run is not None and run.run_id is not None and (event is None or event.run_id == run.run_id):
                yield Touched(run=self._followed(key, run.run_id, run, state), event=event, is_new=of_run.is_new)
                if has_ended(run.status):
                    self._known.pop(key, None)

    def _followed(self, key: str, run_id: str, run: RunState, state: BatchState) -> Followed:
        name, recorded_s = self._known.get(key, ("", None))
        tracked = run.tracked
        created_s = tracked.created_s if tracked is not None else None
        if created_s is None and recorded_s is not None:
            created_s = recorded_s + state.server_offset_s - CREATED_BEFORE_S
        return Followed(
            key=key,
            name=name,
            run_id=run_id,
            status=run.status,
            created_s=created_s,
            started_s=tracked.started_s if tracked is not None else None,
        )


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
