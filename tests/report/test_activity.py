"""A batch over time: every run is counted once in each series, and the peak is the true one."""

from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.activity import MAX_INTERVALS, Span, activity

BEGIN_S = 1_795_507_200.0


@st.composite
def spans(draw: st.DrawFn) -> Span:
    created_s = BEGIN_S + draw(st.integers(0, 3_000))
    started_s = draw(st.none() | st.integers(0, 300).map(lambda wait_s: created_s + wait_s))
    ended_s = draw(st.none() | st.integers(0, 900).map(lambda work_s: (started_s or created_s) + work_s))
    return Span(created_s=created_s, started_s=started_s, ended_s=ended_s, failed=draw(st.booleans()))


def true_peak(lives: list[Span]) -> int:
    """The most runs active at once, by counting at each creation."""
    return max(
        sum(one.created_s <= at.created_s and (one.ended_s is None or one.ended_s > at.created_s) for one in lives)
        for at in lives
    )


@given(st.lists(spans(), min_size=1, max_size=40))
def test_every_run_is_counted_once(lives: list[Span]) -> None:
    found = activity(lives, until_s=BEGIN_S)
    assert found is not None
    assert sum(found.submitted) == len(lives)
    assert sum(found.failed) == sum(one.ended_s is not None and one.failed for one in lives)
    assert sum(found.completed) == sum(one.ended_s is not None and not one.failed for one in lives)
    lengths = {len(s) for s in (found.submitted, found.completed, found.failed, found.waiting, found.working)}
    assert len(lengths) == 1
    assert lengths.pop() <= MAX_INTERVALS


@given(st.lists(spans(), min_size=1, max_size=40))
def test_the_peak_is_the_true_one(lives: list[Span]) -> None:
    found = activity(lives, until_s=BEGIN_S)
    assert found is not None
    assert max(true_peak(lives), 0) <= found.peak <= max(true_peak(lives), 1)  # a run of no length may count
    assert all(value >= 0 for value in (*found.waiting, *found.working))


def test_a_run_waits_then_works_then_has_ended() -> None:
    life = Span(created_s=BEGIN_S, started_s=BEGIN_S + 3, ended_s=BEGIN_S + 6)
    found = activity([life], until_s=BEGIN_S + 9)
    assert found is not None
    assert found.step_s == 1
    assert found.waiting == (1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    assert found.working == (0, 0, 0, 1, 1, 1, 1, 0, 0, 0)  # the second in which it ends is still its own
    assert found.completed == (0, 0, 0, 0, 0, 0, 1, 0, 0, 0)


def test_a_run_without_an_end_is_active_to_the_last_event() -> None:
    found = activity([Span(created_s=BEGIN_S, started_s=BEGIN_S, ended_s=None)], until_s=BEGIN_S + 4)
    assert found is not None
    assert found.working == (1, 1, 1, 1, 1)


def test_a_slot_that_is_passed_on_at_once_is_one_slot() -> None:
    first = Span(created_s=BEGIN_S, started_s=BEGIN_S, ended_s=BEGIN_S + 5)
    second = Span(created_s=BEGIN_S + 5, started_s=BEGIN_S + 5, ended_s=BEGIN_S + 9)
    found = activity([first, second], until_s=BEGIN_S)
    assert found is not None
    assert found.peak == 1


def test_months_are_divided_into_days() -> None:
    found = activity([Span(created_s=BEGIN_S, started_s=None, ended_s=BEGIN_S + 86_400 * 1_000)], until_s=BEGIN_S)
    assert found is not None
    assert found.step_s % 86_400 == 0
    assert len(found.submitted) <= MAX_INTERVALS


def test_nothing_has_no_activity() -> None:
    assert activity([], until_s=BEGIN_S) is None
