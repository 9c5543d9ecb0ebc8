"""From events to the state of the batch: one pure function, used by all who look back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from sys import intern
from typing import Any

from batchrun.errors import Trouble
from batchrun.ledger.events import (
    AttemptEvent,
    BatchEvent,
    CompactedEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    SessionEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
    epoch_seconds,
)

__all__ = ["BatchState", "Outcome", "RunState", "fold"]


UNKNOWN_OFFSET_S = 3600.0
"""Where the server's clock is not known, look this much further back for the run of a lost attempt."""


class Outcome(StrEnum):
    """How a planned run stands."""

    PENDING = "pending"
    """Nothing of it exists; it is still to be sent."""
    SUBMITTED = "submitted"
    """The service created it."""
    REJECTED = "rejected"
    """The service will not create it as it is."""
    FAILED = "failed"
    """The attempts are used up, and no run exists."""
    UNKNOWN = "unknown"
    """An attempt may have created it; settling will tell."""


class RunState:
    """One planned run as the ledger knows it. Lean: a ledger may hold a million."""

    __slots__ = ("created", "n", "name", "open", "outcome", "run_id", "since_n", "since_s", "status", "trouble")

    def __init__(self) -> None:
        self.outcome = Outcome.PENDING
        self.name: str | None = None
        """The run's name, if it was rejected or failed: these are the ones that a person looks for."""
        self.n = 0
        """Attempts so far."""
        self.since_s: float | None = None
        """Server time, epoch seconds, of the first attempt that may have created it."""
        self.since_n = 0
        self.open = False
        """True: the latest attempt has no ending yet."""
        self.created = False
        """True: a 2xx was received, but no id could be read from it. Never to be sent again."""
        self.run_id: str | None = None
        self.status: str | None = None
        self.trouble: Trouble | None = None


@dataclass(slots=True, kw_only=True)
class BatchState:
    """A batch as its ledger tells it."""

    batch: BatchEvent | None = None
    runs: dict[str, RunState] = field(default_factory=dict)
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    """Runs that the ledger speaks of, by outcome; a pending one may also not be in the ledger at all."""
    gone: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    """Runs of earlier plans that the batch no longer has, by their outcome then."""
    open_attempts: int = 0
    """Attempts that have no ending yet: under way, or cut off by a crash."""
    attempts: int = 0
    settled: int = 0
    duplicates: dict[str, list[str]] = field(default_factory=dict)
    """Further runs of the same name that settling found, by key."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Attempts refused for now, by code or HTTP status."""
    sessions: int = 0
    session: SessionEvent | None = None
    """The latest session event; a start without a stop is running, or was cut off."""
    rate: dict[str, float | None] | None = None
    """The rate that the last session learned."""
    server_offset_s: float = 0.0
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


def fold(state: BatchState, event: Event) -> BatchState:
    """The state after one more event. The state given is used up: it is changed in place, for speed."""
    if state.first_at is None:
        state.first_at = event.at
    state.last_at = event.at
    _APPLY[type(event)](state, event)
    return state


def _batch(state: BatchState, event: BatchEvent) -> None:
    state.batch = event
    for key in event.gone:
        _forget(state, key)


def _forget(state: BatchState, key: str) -> None:
    """A run that the batch no longer has; what exists of it at the service stays there."""
    run = state.runs.pop(key, None)
    if run is not None:
        state.counts[run.outcome] -= 1
        state.open_attempts -= run.open
        state.gone[run.outcome] += 1
        state.duplicates.pop(key, None)


def _session(state: BatchState, event: SessionEvent) -> None:
    state.session = event
    if event.action == "start":
        state.sessions += 1
        state.server_offset_s = -UNKNOWN_OFFSET_S if event.server_offset_s is None else event.server_offset_s
    elif event.rate is not None:
        state.rate = event.rate


def _attempt(state: BatchState, event: AttemptEvent) -> None:
    run = state.runs.get(event.key)
    if run is None:
        run = state.runs[event.key] = RunState()
        state.counts[Outcome.PENDING] += 1
    state.attempts += 1
    state.open_attempts += not run.open
    run.open = True
    run.n = event.n
    if run.since_s is None:
        run.since_s = epoch_seconds(event.at) + state.server_offset_s
        run.since_n = event.n
    _move(state, run, Outcome.UNKNOWN)


def _submitted(state: BatchState, event: SubmittedEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.run_id = event.run_id
    run.status = intern(event.status) if event.status is not None else None
    run.since_s = run.trouble = run.name = None
    state.settled += event.via == "settled"
    if event.duplicates:
        state.duplicates[event.key] = event.duplicates
    _move(state, run, Outcome.SUBMITTED)


def _refused(state: BatchState, event: RefusedEvent) -> None:
    run = _ended(state, event.key, event.n)
    reason = event.code or (str(event.status) if event.status is not None else "unsent")
    state.refusals[reason] = state.refusals.get(reason, 0) + 1
    if run.since_n == event.n:
        run.since_s = None
    _move(state, run, Outcome.PENDING if run.since_s is None else Outcome.UNKNOWN)


def _unknown(state: BatchState, event: UnknownEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.created = run.created or event.created
    run.trouble = Trouble(message=event.reason)
    _move(state, run, Outcome.UNKNOWN)


def _rejected(state: BatchState, event: RejectedEvent) -> None:
    _end(state, event, Outcome.REJECTED)


def _failed(state: BatchState, event: FailedEvent) -> None:
    _end(state, event, Outcome.FAILED)


def _status(state: BatchState, event: StatusEvent) -> None:
    if (run := state.runs.get(event.key)) is not None:
        run.status = intern(event.status)


def _compacted(state: BatchState, event: CompactedEvent) -> None:
    state.attempts, state.settled, state.sessions = event.attempts, event.settled, event.sessions
    state.refusals = dict(event.refusals)
    state.gone = {outcome: event.gone.get(outcome.value, 0) for outcome in Outcome}


def _end(state: BatchState, event: RejectedEvent | FailedEvent, outcome: Outcome) -> None:
    run = _ended(state, event.key, event.n)
    run.since_s = None
    run.name = event.name
    run.trouble = event.trouble
    _move(state, run, outcome)


def _ended(state: BatchState, key: str, n: int) -> RunState:
    """The run that an event speaks of; a compacted ledger may tell of its ending only."""
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
        state.counts[run.outcome] -= 1
        state.counts[outcome] += 1
        run.outcome = outcome


_APPLY: dict[type, Callable[[BatchState, Any], None]] = {
    BatchEvent: _batch,
    SessionEvent: _session,
    AttemptEvent: _attempt,
    SubmittedEvent: _submitted,
    RefusedEvent: _refused,
    UnknownEvent: _unknown,
    RejectedEvent: _rejected,
    FailedEvent: _failed,
    StatusEvent: _status,
    CompactedEvent: _compacted,
}
