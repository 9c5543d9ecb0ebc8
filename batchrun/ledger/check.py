"""Check a ledger line by line against every rule that its writer follows."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from batchrun.ledger.events import (
    AbsentEvent,
    AttemptEvent,
    BatchEvent,
    CompactedEvent,
    DroppedEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    RerunEvent,
    ResolvedEvent,
    SessionEvent,
    SubmittedEvent,
    UnknownEvent,
)
from batchrun.ledger.fold import BatchState, Outcome, RunState, fold
from batchrun.ledger.reader import read_events

__all__ = ["Checked", "Finding", "check"]

Ending = SubmittedEvent | RefusedEvent | UnknownEvent | AbsentEvent | ResolvedEvent | RejectedEvent | FailedEvent


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that batchrun would not have written; ``line`` counts from 1, and 0 is the whole file."""

    line: int
    fact: str


@dataclass(frozen=True, slots=True)
class _Run:
    n: int
    session: int
    is_open: bool
    ending: type | None


_at = lru_cache(maxsize=4096)(_Run)  # most runs are equally far: a ledger may hold a million


@dataclass(slots=True)
class Checked:
    """What was checked, and the findings."""

    state: BatchState = field(default_factory=BatchState)
    lines: int = 0
    findings: list[Finding] = field(default_factory=list)


def check(path: Path) -> Checked:
    """Read a whole ledger and report everything that is wrong with it.

    Raises:
        LedgerError: a line cannot be read at all, or the file is not a ledger.

    """
    checked, rules = Checked(), _Rules()
    for number, event in enumerate(read_events(path), 1):
        if type(event) is CompactedEvent:
            # Lines before this one were left out, and may have held what explains the others.
            rules.unexplained.clear()
        for fact in rules.see(event, number, checked.state):
            checked.findings.append(Finding(number, fact))
        fold(checked.state, event)
        checked.lines = number
    checked.findings += [Finding(number, fact) for number, fact in rules.unexplained]
    rules.forget()
    checked.findings += _sums(checked.state)
    checked.findings += _held_twice(path, checked.state)
    checked.findings.sort(key=lambda finding: finding.line)
    return checked


def _sums(state: BatchState) -> Iterator[Finding]:
    planned = state.batch.runs if state.batch is not None else 0
    counted = Counter(run.outcome for run in state.runs.values() if run.is_planned)
    if counted.total() > planned:
        yield Finding(0, f"it has events of {counted.total():,} planned runs, but {planned:,} are planned")
    if any(state.counts[outcome] != counted[outcome] for outcome in Outcome):
        yield Finding(0, "the outcomes do not add up")
    for key, run_ids in state.duplicates.items():
        yield Finding(0, f"the service holds {len(run_ids) + 1} runs for {key}: also {', '.join(run_ids)}")


def _held_twice(path: Path, state: BatchState) -> Iterator[Finding]:
    """Runs claimed by two planned runs. Checked at the end, when the ids are in memory anyway; their lines are read again."""
    seen: set[str] = set()
    odd: set[str] = set()
    for run_id in (run_id for run in state.runs.values() for run_id in _ids(run)):
        (odd if run_id in seen else seen).add(run_id)
    holders: dict[str, str] = {}
    for number, event in enumerate(read_events(path) if odd else (), 1):
        if type(event) is SubmittedEvent and event.run_id in odd:
            holder = holders.setdefault(event.run_id, event.key)
            if holder != event.key:
                yield Finding(number, f"run {event.run_id} belongs to both {holder} and {event.key}")


def _ids(run: RunState) -> Iterator[str]:
    if run.run_id is not None:
        yield run.run_id
    yield from (earlier.run_id for earlier in run.earlier)


class _Rules:
    """State carried over from earlier lines."""

    def __init__(self) -> None:
        self.unexplained: list[tuple[int, str]] = []
        """Endings without an attempt, sessions that counted what is not there: right only where the ledger was compacted
        afterwards."""
        self._runs: dict[str, _Run] = {}
        self._session = 0
        self._see: dict[type, Callable[[Any, int, BatchState], Iterable[str]]] = {
            BatchEvent: self._batch,
            SessionEvent: self._session_event,
            AttemptEvent: self._attempt,
            SubmittedEvent: self._ending,
            RefusedEvent: self._ending,
            UnknownEvent: self._ending,
            AbsentEvent: self._ending,
            ResolvedEvent: self._ending,
            DroppedEvent: self._decision,
            RerunEvent: self._rerun,
            RejectedEvent: self._ending,
            FailedEvent: self._ending,
        }

    def forget(self) -> None:
        """Free the memory."""
        self._runs.clear()

    def see(self, event: Event, number: int, before: BatchState) -> Iterable[str]:
        rule = self._see.get(type(event))
        return rule(event, number, before) if rule is not None else ()

    def _batch(self, event: BatchEvent, number: int, before: BatchState) -> Iterator[str]:
        del self
        if before.batch is not None and before.batch.batch_id != event.batch_id:
            yield f"line {number} starts another batch, {event.batch_id}"

    def _session_event(self, event: SessionEvent, number: int, before: BatchState) -> Iterable[str]:
        self._session += event.action == "start"
        for name, counted in (event.totals or {}).items():
            recorded = before.count(Outcome(name)) if name in set(Outcome) else counted
            if counted != recorded:
                fact = f"the session counted {counted:,} {name}, but the lines before it add up to {recorded:,}"
                self.unexplained.append((number, fact))
        return ()

    def _attempt(self, event: AttemptEvent, _: int, before: BatchState) -> Iterable[str]:
        run = self._runs.get(event.key)
        self._runs[event.key] = _at(event.n, self._session, True, None)
        return self._odd_attempt(event, run, before) if run is not None else ()

    def _odd_attempt(self, event: AttemptEvent, run: _Run, before: BatchState) -> Iterator[str]:
        if before.outcome(event.key) is Outcome.SUBMITTED:
            yield f"attempt {event.n} of {event.key}, which is submitted already"
        if event.n != run.n + 1:
            yield f"attempt {event.n} of {event.key} follows attempt {run.n}"
        if run.is_open and run.session == self._session:
            yield f"attempt {event.n} of {event.key} begins before attempt {run.n} has ended"
        elif (run.is_open or run.ending is UnknownEvent) and _records_absence(before):
            yield f"attempt {event.n} of {event.key} begins before it is known whether attempt {run.n} created a run"

    def _decision(self, event: DroppedEvent, _: int, __: BatchState) -> Iterable[str]:
        """A person may drop a run at any time, also one that was never attempted."""
        run = self._runs.get(event.key)
        self._runs[event.key] = _at(run.n if run is not None else event.n, 0, False, DroppedEvent)
        return ()

    def _rerun(self, event: RerunEvent, _: int, __: BatchState) -> Iterable[str]:
        for key in event.keys:
            if (run := self._runs.get(key)) is not None:
                # The run before it has ended, so that an attempt may follow at once.
                self._runs[key] = _at(run.n, 0, False, RerunEvent)
        return ()

    def _ending(self, event: Ending, number: int, _: BatchState) -> Iterable[str]:
        run, what = self._runs.get(event.key), type(event)
        self._runs[event.key] = _at(run.n if run is not None else event.n, 0, False, what)
        if run is not None:
            return () if run.is_open and run.n == event.n else self._odd_ending(event, run)
        taken_over = event.n == 0 and what in {SubmittedEvent, UnknownEvent}  # another ledger created it
        if not taken_over:
            self.unexplained.append((number, f"attempt {event.n} of {event.key} ends but never began"))
        return ()

    @staticmethod
    def _odd_ending(event: Ending, run: _Run) -> Iterator[str]:
        what = type(event)
        if event.n != run.n:
            yield f"attempt {event.n} of {event.key} ends, but the latest is attempt {run.n}"
        if not run.is_open and (run.ending, what) not in _MAY_FOLLOW:
            yield f"attempt {event.n} of {event.key} ends twice"


def _records_absence(state: BatchState) -> bool:
    """Whether the present session writes down that settling found no run; version 0.1 did not."""
    written_by = state.session.batchrun if state.session is not None else ""
    return bool(written_by) and not written_by.startswith("0.1.")


_MAY_FOLLOW = {
    (RerunEvent, SubmittedEvent),  # created by another ledger, and taken over by this one
    (RerunEvent, UnknownEvent),  # the same, and which run it is cannot be said
    (ResolvedEvent, SubmittedEvent),
    (ResolvedEvent, UnknownEvent),
    (UnknownEvent, SubmittedEvent),  # settled
    (UnknownEvent, AbsentEvent),  # settled: there is no run
    (UnknownEvent, ResolvedEvent),  # a person decided
    (UnknownEvent, FailedEvent),  # looked for in vain, and its attempts are used up
    (AbsentEvent, SubmittedEvent),  # found by the look right before it would have been sent again
    (AbsentEvent, UnknownEvent),  # that look found something odd
    (AbsentEvent, ResolvedEvent),  # that look was impossible, and a person decided
    (RefusedEvent, FailedEvent),  # refused for the last time
    (RefusedEvent, SubmittedEvent),  # an earlier attempt was found after a later one was refused
    (RefusedEvent, UnknownEvent),
    (RefusedEvent, ResolvedEvent),
    (RejectedEvent, SubmittedEvent),  # the same, when it was to be retried
    (RejectedEvent, UnknownEvent),
    (FailedEvent, SubmittedEvent),
    (FailedEvent, UnknownEvent),
    (DroppedEvent, SubmittedEvent),  # adopted after all
    (DroppedEvent, ResolvedEvent),
}
