"""The cheapest way to look up runs that a list no longer shows."""

from hypothesis import given
from hypothesis import strategies as st

from batchrun.tracking.look_ups import plan_look_ups
from tests.tracking.following.runs import CREATED_S, followed


def test_one_run_is_asked_for() -> None:
    plan = plan_look_ups([followed(1)], [])
    assert (plan.listed, [run.run_id for run in plan.by_id]) == ((), ["id-1"])


def test_several_young_runs_come_from_one_page() -> None:
    plan = plan_look_ups([followed(n) for n in (5, 7, 6)], [CREATED_S + n for n in range(5)])
    assert {run.run_id for run in plan.listed} == {"id-5", "id-6", "id-7"}
    assert plan.created_after_s == CREATED_S + 5
    assert plan.by_id == ()


def test_an_old_run_among_young_ones_is_asked_for_instead_of_listing_everything_since() -> None:
    ended = [CREATED_S + n for n in range(10, 5_000)]
    plan = plan_look_ups([followed(0), *(followed(n) for n in range(4_990, 4_999))], ended)
    assert [run.run_id for run in plan.by_id] == ["id-0"]
    assert plan.created_after_s == CREATED_S + 4_990


def test_runs_whose_creation_is_not_known_are_asked_for() -> None:
    undated = followed(1)
    undated.created_s = None
    plan = plan_look_ups([undated, followed(2), followed(3)], [])
    assert [run.run_id for run in plan.by_id] == ["id-1"]
    assert len(plan.listed) == 2


def test_without_calls_by_id_everything_is_listed() -> None:
    undated = followed(1)
    undated.created_s = None
    assert plan_look_ups([followed(3)], [], may_ask=False).created_after_s == CREATED_S + 3
    plan = plan_look_ups([undated, followed(2)], [], may_ask=False)
    assert len(plan.listed) == 2
    assert plan.created_after_s is None


def test_nothing_to_look_up_needs_no_call() -> None:
    assert plan_look_ups([], [1.0]) == plan_look_ups([], [])


@given(st.lists(st.integers(0, 3_000), unique=True, max_size=300), st.lists(st.integers(0, 3_000), max_size=2_000))
def test_no_plan_is_dearer_than_asking_for_each(sought: list[int], ended: list[int]) -> None:
    runs = [followed(n) for n in sought]
    plan = plan_look_ups(runs, sorted(CREATED_S + n for n in ended))
    assert len(plan.by_id) + len(plan.listed) == len(runs)
    in_window = [n for n in [*ended, *sought] if plan.listed and CREATED_S + n >= (plan.created_after_s or 0)]
    assert len(plan.by_id) + -(-len(in_window) // 100) <= len(runs)
