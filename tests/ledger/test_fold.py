"""The fold against a second, slower reading of the same events."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.ledger.clock import epoch_seconds, timestamp
from batchrun.ledger.events import (
    AttemptEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    SessionEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
    read_event,
)
from batchrun.ledger.fold import BatchState, Outcome, fold, fold_all

AT = "2026-11-23T10:00:00.000Z"
keys = st.sampled_from(["a", "b", "c"])


def endings(key: str, n: int) -> st.SearchStrategy[list[Event]]:
    """What may follow one attempt: nothing (a crash), or one of the endings."""
    return st.sampled_from(
        [
            [],
            [SubmittedEvent(at=AT, key=key, n=n, run_id="r", name="name")],
            [RefusedEvent(at=AT, key=key, n=n, status=429)],
            [UnknownEvent(at=AT, key=key, n=n, reason="lost")],
            [UnknownEvent(at=AT, key=key, n=n, reason="lost"), FailedEvent(at=AT, key=key, n=n, name="name")],
            [RejectedEvent(at=AT, key=key, n=n, name="name", status=422)],
        ]
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    events: list[Event] = []
    tries = dict.fromkeys("abc", 0)
    for key in draw(st.lists(keys, max_size=20)):
        tries[key] += 1
        events.append(AttemptEvent(at=AT, key=key, n=tries[key]))
        events += draw(endings(key, tries[key]))
    return events


@given(histories())
def test_the_outcome_is_what_the_last_ending_says(events: list[Event]) -> None:
    state = BatchState()
    for event in events:
        fold(state, event)
    for key in "abc":
        mine = [event for event in events if getattr(event, "key", None) == key]
        may_exist = any(isinstance(event, UnknownEvent) for event in mine) or any(
            isinstance(one, AttemptEvent) and (two is None or isinstance(two, AttemptEvent))
            for one, two in zip(mine, [*mine, None][1:], strict=True)
        )
        match mine[-1] if mine else None:
            case SubmittedEvent():
                expected = {Outcome.SUBMITTED}
            case RejectedEvent():
                expected = {Outcome.REJECTED}
            case FailedEvent():
                expected = {Outcome.FAILED}
            case AttemptEvent() | UnknownEvent():
                expected = {Outcome.UNKNOWN}
            case RefusedEvent():
                expected = {Outcome.UNKNOWN, Outcome.PENDING} if may_exist else {Outcome.PENDING}
            case _:
                expected = {Outcome.PENDING}
        assert state.outcome(key) in expected
    assert sum(state.counts.values()) == len(state.runs)
    assert state.open_attempts == sum(run.open for run in state.runs.values())


def test_an_earlier_unknown_attempt_stays_unknown_after_a_refusal() -> None:
    state = BatchState()
    events: list[Event] = [
        AttemptEvent(at=AT, key="a", n=1),
        UnknownEvent(at=AT, key="a", n=1, reason="lost"),
        AttemptEvent(at=AT, key="a", n=2),
        RefusedEvent(at=AT, key="a", n=2, status=429),
    ]
    for event in events:
        fold(state, event)
    assert state.outcome("a") is Outcome.UNKNOWN


def test_what_a_session_began_and_sent_is_dated_by_its_own_clocks() -> None:
    """A later session whose clock is right must not make what an earlier one did with a wrong one seem later."""
    state, at_s = BatchState(), epoch_seconds(AT)
    events: list[Event] = [
        SessionEvent(at=AT, action="start", pid=1, host="h", server_offset_s=-600.0),
        AttemptEvent(at=AT, key="a", n=1),
        SessionEvent(at=AT, action="start", pid=2, host="h", server_offset_s=0.0),
    ]
    for event in events:
        fold(state, event)
    assert (state.began_s, state.attempted_at, state.attempted_offset_s) == (at_s - 600.0, AT, -600.0)
    assert (state.runs["a"].since_s, state.server_offset_s) == (at_s - 600.0, 0.0)


@given(histories())
def test_an_event_and_its_line_are_one(events: list[Event]) -> None:
    for event in events:
        line = event_line(event)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert event_line(read_event(line)) == line


@given(st.integers(0, 4_000_000_000_000))
def test_times_round_trip_to_the_millisecond(milliseconds: int) -> None:
    assert abs(epoch_seconds(timestamp(milliseconds / 1000)) - milliseconds / 1000) <= 0.0011


@pytest.mark.parametrize(("via", "is_dated"), [("response", True), ("recovered", True), ("settled", False)])
def test_a_run_that_was_found_late_says_nothing_about_what_was_sent_last(via: Any, is_dated: bool) -> None:
    """An older copy of a ledger that was settled would else seem to know all runs that were created until then."""
    attempt = AttemptEvent(at="2026-11-23T10:00:00.000Z", key="a", n=1)
    found = SubmittedEvent(at="2026-11-23T11:00:00.000Z", key="a", n=1, run_id="r1", name="a", via=via)
    assert (fold_all(BatchState(), [attempt, found]).attempted_at == found.at) is is_dated
