"""The state of a batch: lean runs, and counts that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.ledger.events import CostEvent
from batchrun.ledger.fold import BatchState, Outcome, RunState, Tracked
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

times = st.none() | st.floats(min_value=1, max_value=4e9, allow_nan=False)


@given(times, times, times, st.none() | st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True))
def test_what_an_ended_run_is_packed_into_is_read_back(
    created: float | None, started: float | None, completed: float | None, app: str | None
) -> None:
    run, tracked = (
        RunState(name="tile"),
        Tracked(create_time=created, start_time=started, complete_time=completed, kube_app_id=app),
    )
    run.tracked = tracked
    run.pack()
    assert run.name is None
    assert run.tracked == tracked
    assert run.track() == tracked  # unpacked for good, to be changed


@pytest.mark.parametrize(
    "tracked",
    [
        Tracked(code="EXEC"),
        Tracked(message="exit 1"),
        Tracked(cost=CostEvent(at=AT, key="k", run_id="r", state="final", spatial_units="1")),
    ],
)
def test_what_does_not_fit_into_a_few_bytes_is_kept_as_it_is(tracked: Tracked) -> None:
    run = RunState()
    run.tracked = tracked
    run.pack()
    assert run.tracked is tracked


def test_times_are_read_when_they_are_needed_and_nonsense_is_none() -> None:
    tracked = Tracked(create_time="2026-11-23T10:00:00Z", start_time="yesterday", complete_time=5.0)
    assert tracked.created_s is not None
    assert (tracked.started_s, tracked.completed_s) == (None, 5.0)


def test_an_attempt_is_dated_by_the_servers_clock() -> None:
    run = RunState(since=("2026-11-23T10:00:00.000Z", -30.0))
    assert RunState().since_s is None
    assert run.since_s == pytest.approx(RunState(since=("2026-11-23T09:59:30.000Z", 0.0)).since_s)


def test_a_run_that_was_never_created_leaves_no_earlier_generation() -> None:
    run = RunState()
    run.begin_generation(2, {})
    assert (run.generation, run.earlier) == (2, ())


def test_pending_runs_are_what_is_left_of_the_plan() -> None:
    state = BatchState(batch=batch(runs=10))
    run = state.runs["k"] = RunState()
    state.counts[Outcome.PENDING] += 1
    state.move(run, Outcome.SUBMITTED)
    assert [state.count(outcome) for outcome in (Outcome.SUBMITTED, Outcome.PENDING)] == [1, 9]
    assert sum(state.count(outcome) for outcome in Outcome) == state.planned == 10
    assert state.outcome("never sent") is Outcome.PENDING


def test_runs_that_left_the_plan_are_counted_apart_and_may_still_be_unknown() -> None:
    state = BatchState(batch=batch(runs=0))
    run = state.runs["k"] = RunState(is_planned=False)
    state.gone[Outcome.PENDING] += 1
    assert not state.has_runs
    state.move(run, Outcome.UNKNOWN)
    assert (state.unknown, state.has_runs, state.count(Outcome.UNKNOWN)) == (1, True, 0)
