from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.pacer import Pace
from batchrun.engine.tally import Tally
from batchrun.ledger.fold import BatchState, Outcome, fold
from tests.engine.virtual_time import VirtualClock
from tests.ledger.test_fold import histories
from tests.ledger.test_ledger import batch

PACE = Pace(limit_per_s=None, description="fixed rate")
PLANNED = 10


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def tally_of(planned: int = PLANNED, retry: frozenset[Outcome] = frozenset(), **counts: int) -> Tally:
    state = BatchState(batch=batch(planned))
    state.counts |= {Outcome(name): n for name, n in counts.items()}
    return Tally(planned, state, retry)


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[Outcome, Outcome]]:
    """Moves of runs that are there to be moved, from a batch of which nothing was sent yet."""
    counts = dict.fromkeys(Outcome, 0) | {Outcome.PENDING: PLANNED}
    drawn = []
    for _ in range(draw(st.integers(0, 40))):
        before = draw(st.sampled_from([outcome for outcome, n in counts.items() if n]))
        after = draw(st.sampled_from(list(Outcome)))
        counts[before] -= 1
        counts[after] += 1
        drawn.append((before, after))
    return drawn


@given(moves())
def test_the_outcomes_add_up_to_the_plan_after_any_moves(drawn: list[tuple[Outcome, Outcome]]) -> None:
    tally = tally_of()
    for before, after in drawn:
        tally.move(before, after)
        assert sum(tally.totals().values()) == PLANNED
        assert min(tally.totals().values()) >= 0
    shown = tally.snapshot(PACE, waiting=0)
    outcomes = (shown.submitted, shown.rejected, shown.failed, shown.unknown, shown.pending, shown.dropped)
    assert sum(outcomes) == shown.planned == PLANNED


@given(histories(), st.integers(3, 50), st.frozensets(st.sampled_from([Outcome.REJECTED, Outcome.FAILED]), max_size=2))
def test_a_session_starts_from_what_the_ledger_says_and_adds_up(
    events: list[Any], planned: int, retry: frozenset[Outcome]
) -> None:
    state = BatchState()
    for event in [batch(planned), *events]:
        fold(state, event)
    tally = Tally(planned, state, retry)
    assert sum(tally.outcomes.values()) == planned
    for outcome in (Outcome.SUBMITTED, Outcome.UNKNOWN, Outcome.REJECTED, Outcome.FAILED):
        assert tally.outcomes[outcome] == (0 if outcome in retry else state.count(outcome))


def test_runs_that_are_sent_again_start_as_pending_and_are_no_failures() -> None:
    tally = tally_of(rejected=3, failed=2, submitted=1)
    assert (tally.outcomes[Outcome.PENDING], tally.ended_badly) == (4, 0)
    again = tally_of(retry=frozenset({Outcome.REJECTED}), rejected=3, failed=2, submitted=1)
    assert (again.outcomes[Outcome.PENDING], again.ended_badly) == (7, 0)


def test_runs_that_were_to_be_sent_again_and_were_not_end_as_the_ledger_has_them() -> None:
    tally = tally_of(retry=frozenset({Outcome.REJECTED, Outcome.FAILED}), rejected=3, failed=2)
    tally.retried(Outcome.REJECTED)
    tally.move(Outcome.PENDING, Outcome.SUBMITTED)
    tally.end()
    assert tally.totals() == dict.fromkeys(Outcome, 0) | {"submitted": 1, "rejected": 2, "failed": 2, "pending": 5}


def test_only_what_ended_badly_in_this_session_is_a_failure_of_it() -> None:
    tally = tally_of(retry=frozenset({Outcome.REJECTED}), rejected=3, failed=2)
    tally.move(Outcome.PENDING, Outcome.REJECTED)
    tally.move(Outcome.PENDING, Outcome.FAILED)
    assert tally.ended_badly == 2


def test_attempts_and_retries_are_counted_apart() -> None:
    tally = tally_of()
    tally.attempted(is_retry=False)
    tally.attempted(is_retry=True)
    shown = tally.snapshot(PACE, waiting=0)
    assert (shown.attempts, shown.retries, shown.in_flight) == (2, 1, 2)


def test_totals_have_every_outcome_by_name() -> None:
    assert tally_of(submitted=4).totals() == {
        "pending": 6,
        "submitted": 4,
        "rejected": 0,
        "failed": 0,
        "unknown": 0,
        "dropped": 0,
    }


def submit(tally: Tally, count: int) -> None:
    for _ in range(count):
        tally.move(Outcome.PENDING, Outcome.SUBMITTED)


def test_the_rate_counts_this_session_only(clock: VirtualClock) -> None:
    tally = tally_of(100, submitted=50)
    submit(tally, 20)
    clock.advance(4.0)
    shown = tally.snapshot(PACE, waiting=0)
    assert shown.rate_per_s == pytest.approx(5.0)
    assert shown.left_s == pytest.approx(30 / 5.0)
    assert shown.elapsed_s == pytest.approx(4.0)


def test_the_rate_forgets_what_was_long_ago(clock: VirtualClock) -> None:
    tally = tally_of(1000)
    submit(tally, 500)
    for _ in range(60):
        clock.advance(1.0)
        submit(tally, 2)
        shown = tally.snapshot(PACE, waiting=0)
    assert shown.rate_per_s == pytest.approx(2.0)


def test_what_is_left_takes_no_time_when_nothing_is_and_an_unknown_one_while_nothing_moves(
    clock: VirtualClock,
) -> None:
    tally = tally_of(2)
    clock.advance(1.0)
    assert tally.snapshot(PACE, waiting=0).left_s is None
    submit(tally, 2)
    assert tally.snapshot(PACE, waiting=0).left_s == 0.0


def test_pacing_is_shown_as_it_is(clock: VirtualClock) -> None:
    pace = Pace(limit_per_s=3.0, description="finding the limit", pause_s=2.0, pause_reason="asked to")
    shown = tally_of().snapshot(pace, waiting=4, active=5)
    assert (shown.limit_per_s, shown.pace, shown.pause_s, shown.pause_reason) == (
        3.0,
        "finding the limit",
        2.0,
        "asked to",
    )
    assert (shown.waiting, shown.active) == (4, 5)
    del clock
