"""From events to the state of the batch: one pure function, used by all who look back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from sys import intern
from typing import Any

from batchrun.errors import Trouble
from batchrun.ledger.events import (
    AbsentEvent,
    AttemptEvent,
    BatchEvent,
    CancelEvent,
    CompactedEvent,
    CostEvent,
    DroppedEvent,
    DuplicatesEvent,
    Event,
    FailedEvent,
    ForeignEvent,
    RateEvent,
    RefusedEvent,
    RejectedEvent,
    RerunEvent,
    ResolvedEvent,
    SessionEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
    UploadEvent,
    epoch_seconds,
)
from batchrun.wherobots.clock import creation_offset_s

__all__ = ["BatchState", "EarlierRun", "Outcome", "RunState", "Tracked", "fold"]


class Outcome(StrEnum):
    """What became of a planned run."""

    PENDING = "pending"
    """Nothing of it exists; it is still to be sent."""
    SUBMITTED = "submitted"
    """The service created it."""
    REJECTED = "rejected"
    """The service will not create it as it is."""
    FAILED = "failed"
    """The attempts are used up, and no run exists."""
    UNKNOWN = "unknown"
    """An attempt may have created it; settling finds out."""
    DROPPED = "dropped"
    """A person decided not to send it."""


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run of an earlier generation: what it was before the planned run was run again."""

    generation: int
    run_id: str
    status: str | None
    tracked: "Tracked | None"


class Tracked:
    """What the service reported of a run after it was created. Times are epoch seconds by the service's clock."""

    __slots__ = ("code", "completed_s", "cost", "created_s", "kube_app_id", "message", "started_s")

    def __init__(self) -> None:
        self.created_s: float | None = None
        self.started_s: float | None = None
        self.completed_s: float | None = None
        self.kube_app_id: str | None = None
        self.code: str | None = None
        """Why it ended badly: the code of the service's event, and its message."""
        self.message: str | None = None
        self.cost: CostEvent | None = None
        """The latest; its ``state`` says whether it may still change."""


class RunState:
    """One planned run as the ledger knows it. Lean: a ledger may hold a million."""

    __slots__ = (
        "cancel_requested",
        "created",
        "earlier",
        "generation",
        "is_planned",
        "n",
        "name",
        "open",
        "outcome",
        "overrides",
        "run_id",
        "since_n",
        "since_s",
        "status",
        "tracked",
        "trouble",
        "unsettled",
    )

    def __init__(self) -> None:
        self.outcome = Outcome.PENDING
        self.name: str | None = None
        """The run's name while it is not submitted: it may have to be looked for, or shown."""
        self.is_planned = True
        """False: the batch's present plan does not contain it. What is known of it is kept."""
        self.n = 0
        """Attempts so far."""
        self.since_s: float | None = None
        """When the first attempt that may have created it began: epoch seconds, not later than by the server's clock.

        It stays when settling concludes that there is no run, and through every later outcome but ``submitted``: such a
        run is looked for once more before it is sent again.
        """
        self.since_n = 0
        """That attempt's number."""
        self.open = False
        """True: the latest attempt has no ending yet."""
        self.unsettled = False
        """True: an attempt ended as unknown, and nothing was concluded about it yet."""
        self.created = False
        """True: a 2xx was received, but no id could be read from it. Never to be sent again."""
        self.run_id: str | None = None
        self.status: str | None = None
        """As the service reported it last; ``gone`` when it no longer knows the run."""
        self.trouble: Trouble | None = None
        self.tracked: Tracked | None = None
        """None until the first ``status`` or ``cost`` event."""
        self.generation = 1
        """1 for the first creation, 2 for the first rerun; everything above is about this generation."""
        self.overrides: dict[str, Any] | None = None
        """The ``[run]`` settings that this generation replaces."""
        self.earlier: tuple[EarlierRun, ...] = ()
        """Runs of earlier generations, oldest first."""
        self.cancel_requested = False
        """A person decided to cancel the current run."""


@dataclass(slots=True, kw_only=True)
class BatchState:
    """A batch as its ledger describes it."""

    batch: BatchEvent | None = None
    runs: dict[str, RunState] = field(default_factory=dict)
    """Every run that the ledger has an event of, by key, including those that left the plan."""
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    """Runs of the present plan that the ledger has an event of, by outcome; a pending run may have none."""
    gone: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    """Runs that left the plan, by outcome."""
    open_attempts: int = 0
    """Attempts that have no ending yet: in flight, or cut off by a crash."""
    attempts: int = 0
    settled: int = 0
    duplicates: dict[str, list[str]] = field(default_factory=dict)
    """Further runs of the same name at the service, by key."""
    to_check: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Submitted runs that were sent more than once, by key: their names and ``since_s``. An earlier attempt may still commit
    late, so their names are looked for once more."""
    uploads: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where uploaded files are: the destination by SHA-256 of the content and region."""
    foreign: set[str] = field(default_factory=set)
    """Ids of runs that a person said belong to another batch."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Attempts refused for now, by code or HTTP status."""
    sessions: int = 0
    session: SessionEvent | None = None
    """The latest session event; a start without a stop is running, or was cut off."""
    rate: dict[str, float | None] | None = None
    """The rate that the last session learned."""
    organization: str | None = None
    """The organisation that the batch's runs were created in, if the service reveals it."""
    server_offset_s: float = 0.0
    """What to add to our clock for the earliest time at which a run sent now can have been created."""
    first_at: str | None = None
    last_at: str | None = None

    def outcome(self, key: str) -> Outcome:
        run = self.runs.get(key)
        return run.outcome if run is not None else Outcome.PENDING

    def count(self, outcome: Outcome) -> int:
        """Planned runs with this outcome; pending ones are what is left of the plan."""
        if outcome is not Outcome.PENDING:
            return self.counts[outcome]
        planned = self.batch.runs if self.batch is not None else 0
        return planned - sum(n for other, n in self.counts.items() if other is not Outcome.PENDING)

    @property
    def has_runs(self) -> bool:
        """Whether a run exists at the service, or may exist, as far as the ledger knows."""
        return any(
            counts[outcome] for counts in (self.counts, self.gone) for outcome in (Outcome.SUBMITTED, Outcome.UNKNOWN)
        )


def fold(state: BatchState, event: Event) -> BatchState:
    """The state after one more event. The state given is used up: it is changed in place, for speed."""
    if state.first_at is None:
        state.first_at = event.at
    state.last_at = event.at
    _APPLY[type(event)](state, event)
    return state


def _batch(state: BatchState, event: BatchEvent) -> None:
    """Runs that leave the plan leave the counts, and nothing else; runs that come back are counted again."""
    if state.batch is not None and state.batch.base_url != event.base_url:
        state.organization = None  # another service has other organisations
    state.batch = event
    gone = set(event.gone)
    # Version 0.1 forgot what left the plan, and so did not name it again in later extensions.
    names_all = not event.batchrun.startswith("0.1.")
    for key, run in state.runs.items():
        _set_planned(state, run, is_planned=key not in gone and (names_all or run.is_planned))


def _set_planned(state: BatchState, run: RunState, *, is_planned: bool) -> None:
    if run.is_planned is not is_planned:
        run.is_planned = is_planned
        before, after = (state.gone, state.counts) if is_planned else (state.counts, state.gone)
        before[run.outcome] -= 1
        after[run.outcome] += 1


def _session(state: BatchState, event: SessionEvent) -> None:
    state.session = event
    state.organization = state.organization or event.organization
    if event.action == "start":
        state.sessions += 1
        state.server_offset_s = creation_offset_s(event.server_offset_s)
    elif event.rate is not None:
        state.rate = event.rate


def _attempt(state: BatchState, event: AttemptEvent) -> None:
    run = state.runs.get(event.key)
    if run is None:
        run = state.runs[event.key] = RunState()
        state.counts[Outcome.PENDING] += 1
    elif not run.is_planned:
        _set_planned(state, run, is_planned=True)
    state.attempts += 1
    state.open_attempts += not run.open
    run.open = True
    run.n = event.n
    run.name = event.name or run.name
    if run.since_s is None:
        run.since_s = epoch_seconds(event.at) + state.server_offset_s
        run.since_n = event.n
    _move(state, run, Outcome.UNKNOWN)


def _submitted(state: BatchState, event: SubmittedEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.run_id = event.run_id
    run.status = intern(event.status) if event.status is not None else None
    if event.via == "response" and run.since_s is not None and run.since_n != event.n:
        state.to_check[event.key] = event.name, run.since_s
    run.since_s = run.trouble = run.name = None
    run.unsettled = run.created = False
    state.settled += event.via == "settled"
    if event.duplicates:
        state.duplicates[event.key] = event.duplicates
    _move(state, run, Outcome.SUBMITTED)


def _refused(state: BatchState, event: RefusedEvent) -> None:
    run = _ended(state, event.key, event.n)
    reason = event.code or (str(event.status) if event.status is not None else "unsent")
    state.refusals[reason] = state.refusals.get(reason, 0) + 1
    _created_nothing(run, event.n)
    _move(state, run, Outcome.UNKNOWN if run.unsettled else Outcome.PENDING)


def _unknown(state: BatchState, event: UnknownEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.unsettled = True
    run.created = run.created or event.created
    run.trouble = Trouble(message=event.reason)
    _move(state, run, Outcome.UNKNOWN)


def _absent(state: BatchState, event: AbsentEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.unsettled = False
    run.trouble = None
    _move(state, run, Outcome.PENDING)


def _duplicates(state: BatchState, event: DuplicatesEvent) -> None:
    state.to_check.pop(event.key, None)
    if event.run_ids:
        known = state.duplicates.setdefault(event.key, [])
        known += [run_id for run_id in event.run_ids if run_id not in known]


def _foreign(state: BatchState, event: ForeignEvent) -> None:
    state.foreign.update(event.run_ids)


def _resolved(state: BatchState, event: ResolvedEvent) -> None:
    """To be sent again on a person's word: what the attempts so far may have created no longer counts."""
    run = _ended(state, event.key, event.n)
    run.unsettled = run.created = False
    run.since_s = run.trouble = None
    _move(state, run, Outcome.PENDING)


def _dropped(state: BatchState, event: DroppedEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.name = event.name or run.name
    run.unsettled = False
    _move(state, run, Outcome.DROPPED)


def _rejected(state: BatchState, event: RejectedEvent) -> None:
    run = _ended(state, event.key, event.n)
    _created_nothing(run, event.n)
    _bad_end(state, run, event, Outcome.REJECTED)


def _failed(state: BatchState, event: FailedEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.unsettled = False
    _bad_end(state, run, event, Outcome.FAILED)


def _status(state: BatchState, event: StatusEvent) -> None:
    run = state.runs.get(event.key)
    if run is None or run.run_id != event.run_id:
        return  # a run of an earlier generation, or of a ledger that was compacted
    run.status = intern(event.status)
    tracked = _tracked(run)
    tracked.created_s = _seconds(event.create_time) or tracked.created_s
    tracked.started_s = _seconds(event.start_time) or tracked.started_s
    tracked.completed_s = _seconds(event.complete_time) or tracked.completed_s
    tracked.kube_app_id = event.kube_app_id or tracked.kube_app_id
    tracked.code = intern(event.code) if event.code is not None else tracked.code
    tracked.message = intern(event.message) if event.message is not None else tracked.message


def _cost(state: BatchState, event: CostEvent) -> None:
    run = state.runs.get(event.key)
    if run is None:
        return
    if run.run_id == event.run_id:
        _tracked(run).cost = event
    for earlier in run.earlier:
        if earlier.run_id == event.run_id and earlier.tracked is not None:
            earlier.tracked.cost = event


def _cancel(state: BatchState, event: CancelEvent) -> None:
    run = state.runs.get(event.key)
    if run is not None and run.run_id == event.run_id:
        run.cancel_requested = True


def _rerun(state: BatchState, event: RerunEvent) -> None:
    """To be created once more; the run so far becomes an earlier one."""
    for key in event.keys:
        run = state.runs.get(key)
        if run is None or run.generation >= event.generation:
            continue
        if run.run_id is not None:
            run.earlier += (EarlierRun(run.generation, run.run_id, run.status, run.tracked),)
        run.generation, run.overrides = event.generation, event.overrides
        run.run_id = run.status = run.tracked = run.trouble = None
        run.cancel_requested = False
        _move(state, run, Outcome.PENDING)


def _upload(state: BatchState, event: UploadEvent) -> None:
    state.uploads[event.sha256, event.region] = event.destination


def _rate(state: BatchState, event: RateEvent) -> None:
    state.rate = {"rate_per_s": event.rate_per_s, "window_s": event.window_s}


def _tracked(run: RunState) -> Tracked:
    if run.tracked is None:
        run.tracked = Tracked()
    return run.tracked


def _seconds(time: str | None) -> float | None:
    return (epoch_seconds(time) or None) if time is not None else None


def _compacted(state: BatchState, event: CompactedEvent) -> None:
    state.attempts, state.settled, state.sessions = event.attempts, event.settled, event.sessions
    state.refusals = dict(event.refusals)


def _bad_end(state: BatchState, run: RunState, event: RejectedEvent | FailedEvent, outcome: Outcome) -> None:
    run.name = event.name
    run.trouble = event.trouble
    _move(state, run, outcome)


def _created_nothing(run: RunState, n: int) -> None:
    """Attempt ``n`` is proven to have created nothing; an earlier one may still have."""
    if run.since_n == n:
        run.since_s = None


def _ended(state: BatchState, key: str, n: int) -> RunState:
    """The run that an event is about; a compacted ledger may hold only its ending."""
    run = state.runs.get(key)
    if run is None:
        run = state.runs[key] = RunState()
        state.counts[Outcome.PENDING] += 1
    state.open_attempts -= run.open
    run.open = False
    run.n = max(run.n, n)
    return run


def _move(state: BatchState, run: RunState, outcome: Outcome) -> None:
    if run.outcome is not outcome:
        counts = state.counts if run.is_planned else state.gone
        counts[run.outcome] -= 1
        counts[outcome] += 1
        run.outcome = outcome


_APPLY: dict[type, Callable[[BatchState, Any], None]] = {
    BatchEvent: _batch,
    SessionEvent: _session,
    AttemptEvent: _attempt,
    SubmittedEvent: _submitted,
    RefusedEvent: _refused,
    UnknownEvent: _unknown,
    AbsentEvent: _absent,
    DuplicatesEvent: _duplicates,
    ForeignEvent: _foreign,
    ResolvedEvent: _resolved,
    DroppedEvent: _dropped,
    RejectedEvent: _rejected,
    FailedEvent: _failed,
    StatusEvent: _status,
    CostEvent: _cost,
    CancelEvent: _cancel,
    RerunEvent: _rerun,
    UploadEvent: _upload,
    RateEvent: _rate,
    CompactedEvent: _compacted,
}
