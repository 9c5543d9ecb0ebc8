"""How long the rest of a batch takes."""

import pytest

from batchrun.tracking.durations import Durations
from tests.tracking.following.runs import CREATED_S, followed


def learned() -> Durations:
    made = Durations()
    for _ in range(3):
        made.learn("tiny", 100.0)
    made.learn("large", 1_000.0)
    return made


def test_a_runtime_has_its_own_mean_and_an_unknown_one_that_of_all() -> None:
    assert learned().usual_s("tiny") == pytest.approx(100.0)
    assert learned().usual_s("large") == pytest.approx(1_000.0)
    assert learned().usual_s("micro") == learned().usual_s(None) == pytest.approx(325.0)
    assert Durations().usual_s("tiny") is None


def test_nothing_is_estimated_before_a_run_has_ended() -> None:
    assert Durations().left_s([followed(1)], to_create=0, now_s=CREATED_S, at_once=1) is None


def test_runs_that_all_work_at_once_take_as_long_as_the_longest() -> None:
    active = [
        followed(1, runtime="tiny", started_s=CREATED_S),
        followed(2, runtime="large", started_s=CREATED_S),
    ]
    left_s = learned().left_s(active, to_create=0, now_s=CREATED_S + 40, at_once=2)
    assert left_s == pytest.approx(960.0)


def test_runs_that_wait_for_a_place_take_their_turns() -> None:
    active = [followed(n, runtime="tiny") for n in range(20)]
    assert learned().left_s(active, to_create=0, now_s=CREATED_S, at_once=2) == pytest.approx(1_000.0)
    assert learned().left_s(active, to_create=4, now_s=CREATED_S, at_once=2) == pytest.approx(1_650.0)


def test_a_run_that_is_overdue_is_expected_to_take_a_little_longer() -> None:
    active = [followed(1, runtime="tiny", started_s=CREATED_S)]
    assert learned().left_s(active, to_create=0, now_s=CREATED_S + 500, at_once=1) == pytest.approx(10.0)
    assert learned().left_s([], to_create=0, now_s=CREATED_S, at_once=0) == 0.0
