import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.start import DEFAULT_START, Start


def doubling_s(rate_per_s: float, response_s: float, *, fastest_s: float = 0.001) -> float:
    """In how many seconds the rate doubles, where responses take ``response_s`` and one took ``fastest_s``."""
    start = Start(DEFAULT_START)
    for took_s in [fastest_s, *[response_s] * 1000]:
        growth = start.growth_per_s(rate_per_s, took_s)
    return math.log(2.0) / growth


def test_the_rate_doubles_within_a_response_time() -> None:
    assert doubling_s(20.0, 0.3) == pytest.approx(0.3)


def test_it_doubles_every_second_where_responses_take_longer() -> None:
    assert doubling_s(2.0, 5.0) == pytest.approx(1.0)


def test_it_doubles_no_faster_than_ten_times_a_second() -> None:
    assert doubling_s(20.0, 0.001) == pytest.approx(0.1)


def test_it_doubles_every_second_once_much_is_in_flight() -> None:
    assert doubling_s(159.0, 0.1) == pytest.approx(0.1)
    assert doubling_s(161.0, 0.1) == pytest.approx(1.0)


def test_it_hardly_grows_once_many_requests_could_be_refused_before_the_first_refusal_is_known() -> None:
    assert doubling_s(479.0, 0.1, fastest_s=0.05) == pytest.approx(1.0)
    assert doubling_s(481.0, 0.1, fastest_s=0.05) == pytest.approx(300.0)


def test_slow_responses_are_not_taken_for_slow_refusals() -> None:
    assert doubling_s(47.0, 5.0, fastest_s=5.0) == pytest.approx(1.0)
    assert doubling_s(49.0, 5.0, fastest_s=5.0) == pytest.approx(300.0)


@given(st.floats(0.1, 1000.0), st.floats(0.0, 100.0))
def test_a_response_never_slows_a_start_down(rate_per_s: float, response_s: float) -> None:
    growth = Start(DEFAULT_START).growth_per_s(rate_per_s, response_s)
    assert 0.0 < growth <= math.log(2.0) / 0.1 + 1e-9
