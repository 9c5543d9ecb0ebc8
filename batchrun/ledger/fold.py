"""Fold events into the state of the batch: one pure function, used by every reader."""

from collections.abc import Callable, Iterable
from sys import intern
from typing import Any

from batchrun.errors import Trouble
from batchrun.ledger import later_fold
from batchrun.ledger.clock import epoch_seconds
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
)
from batchrun.ledger.state import BatchState, EarlierRun, Outcome, RunState, Tracked
from batchrun.wherobots.clock import creation_offset_s
from batchrun.wherobots.http_statuses import is_conflict

__all__ = ["BatchState", "EarlierRun", "Outcome", "RunState", "Tracked", "fold", "fold_all"]

_UNKNOWN, _SUBMITTED = Outcome.UNKNOWN, Outcome.SUBMITTED  # each look-up in the class takes a tenth of a microsecond
_SENT_BY_US = frozenset({"response", "settled"})
_DATED_BY_US = frozenset({"response", "recovered"})


def fold(state: BatchState, event: Event) -> BatchState:
    """The state after one more event. The state given is used up: it is changed in place, for speed."""
    if state.first_at is None:
        state.first_at = event.at
    state.last_at = event.at
    _APPLY[type(event)](state, event)
    return state


def fold_all(state: BatchState, events: Iterable[Event]) -> BatchState:
    """The state after all of these events; a little quicker than one by one, which a million runs are worth."""
    rest = iter(events)
    last = next(rest, None)
    if last is None:
        return state
    fold(state, last)
    for last in rest:
        _APPLY[type(last)](state, last)
    state.last_at = last.at
    return state


def _batch(state: BatchState, event: BatchEvent) -> None:
    """Runs that leave the plan leave the counts, and nothing else; runs that come back are counted again."""
    if state.batch is not None and state.batch.base_url != event.base_url:
        state.organization = None  # another service has other organizations
    state.batch, state.is_plan_checked = event, False
    state.left = gone = frozenset(event.gone)
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
        state.is_plan_checked = True
        state.server_offset_s = creation_offset_s(event.server_offset_s)
        if state.began_s is None:
            # Of the first session alone: a later one may have a clock that is ahead, and would disown earlier runs.
            state.began_s = epoch_seconds(event.at) + state.server_offset_s
    elif event.rate is not None:
        state.rate = event.rate


def _attempt(state: BatchState, event: AttemptEvent) -> None:
    run = state.runs.get(event.key)
    state.attempts += 1
    state.attempted_at, state.attempted_offset_s = since = event.at, state.server_offset_s
    if run is None:  # nearly always
        state.runs[event.key] = RunState(
            outcome=_UNKNOWN, name=event.name or None, n=event.n, since=since, since_n=event.n, open=True
        )
        state.counts[_UNKNOWN] += 1
        state.open_attempts += 1
        return
    if not run.is_planned:
        _set_planned(state, run, is_planned=True)
    state.open_attempts += not run.open
    run.open = True
    run.n = event.n
    run.name = event.name or run.name
    if run.since is None:
        run.since, run.since_n = since, event.n
    state.move(run, _UNKNOWN)


def _submitted(state: BatchState, event: SubmittedEvent) -> None:
    run = state.runs.get(event.key)
    if run is not None and run.open and run.n == event.n:  # nearly always
        state.open_attempts -= 1
        run.open = False
    else:
        run = _ended(state, event.key, event.n)
    if event.via in _DATED_BY_US:  # a decision, or a run that was found, however late, says nothing about what was sent
        state.attempted_at, state.attempted_offset_s = event.at, state.server_offset_s
    if event.creation_lag_s is not None:
        state.creation_lag_s = max(state.creation_lag_s, event.creation_lag_s)
    run.run_id = event.run_id
    run.status = intern(event.status) if event.status is not None else None
    # Sent more than once: an attempt before the one that was answered may still commit.
    if run.since_n != event.n and event.via in _SENT_BY_US and (since_s := run.since_s) is not None:
        state.to_check[event.key] = event.name, since_s
    run.since = run.trouble = None
    run.name = event.name or run.name
    run.unsettled = run.created = False
    state.settled += event.via == "settled"
    if event.duplicates:
        state.duplicates[event.key] = event.duplicates
    state.move(run, _SUBMITTED)


def _refused(state: BatchState, event: RefusedEvent) -> None:
    run = _ended(state, event.key, event.n)
    reason = event.code or (str(event.status) if event.status is not None else "unsent")
    state.refusals[reason] = state.refusals.get(reason, 0) + 1
    if not is_conflict(event.status, event.code):
        _created_nothing(run, event.n)
    # This attempt is not waited for; what an earlier one did is for settling to find out.
    state.move(run, Outcome.UNKNOWN if run.unsettled else Outcome.PENDING)


def _unknown(state: BatchState, event: UnknownEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.unsettled = True
    run.created = run.created or event.created
    run.name = event.name or run.name
    run.trouble = Trouble(message=event.reason)
    state.move(run, Outcome.UNKNOWN)


def _absent(state: BatchState, event: AbsentEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.unsettled = False
    run.trouble = None
    state.move(run, Outcome.PENDING)


def _duplicates(state: BatchState, event: DuplicatesEvent) -> None:
    if event.is_whole:
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
    run.since = run.trouble = None
    state.move(run, Outcome.PENDING)


def _dropped(state: BatchState, event: DroppedEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.name = event.name or run.name
    run.unsettled = False
    state.move(run, Outcome.DROPPED)


def _rejected(state: BatchState, event: RejectedEvent) -> None:
    run = _ended(state, event.key, event.n)
    _created_nothing(run, event.n)
    _bad_end(state, run, event, Outcome.REJECTED)


def _failed(state: BatchState, event: FailedEvent) -> None:
    run = _ended(state, event.key, event.n)
    run.unsettled = False
    _bad_end(state, run, event, Outcome.FAILED)


def _compacted(state: BatchState, event: CompactedEvent) -> None:
    state.attempts, state.settled, state.sessions = event.attempts, event.settled, event.sessions
    if event.attempted_at is not None:
        state.attempted_at, state.attempted_offset_s = event.attempted_at, event.attempted_offset_s
    state.refusals = dict(event.refusals)


def _bad_end(state: BatchState, run: RunState, event: RejectedEvent | FailedEvent, outcome: Outcome) -> None:
    run.name = event.name
    run.trouble = event.trouble
    state.move(run, outcome)


def _created_nothing(run: RunState, n: int) -> None:
    """Attempt ``n`` is proven to have created nothing; an earlier one may still have."""
    if run.since_n == n:
        run.since = None


def _ended(state: BatchState, key: str, n: int) -> RunState:
    """The run that an event is about; a compacted ledger may hold only its ending."""
    run = state.runs.get(key)
    if run is None:
        run = state.runs[key] = RunState()
        state.counts[Outcome.PENDING] += 1
        _set_planned(state, run, is_planned=key not in state.left)
    state.open_attempts -= run.open
    run.open = False
    run.n = max(run.n, n)
    return run


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
    StatusEvent: later_fold.status,
    CostEvent: later_fold.cost,
    CancelEvent: later_fold.cancel,
    RerunEvent: later_fold.rerun,
    UploadEvent: later_fold.upload,
    RateEvent: later_fold.rate,
    CompactedEvent: _compacted,
}
