import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.start import DEFAULT_START, growth_per_s


def doubling_s(rate_per_s: float, response_s: float, accepted: int = 0) -> float:
    """In how many seconds the rate doubles, if every response adds as much."""
    return math.log(2.0) / growth_per_s(DEFAULT_START, rate_per_s, response_s, accepted)


def test_the_rate_doubles_within_a_response_time() -> None:
    assert doubling_s(20.0, 0.3) == pytest.approx(0.3)


def test_it_doubles_every_second_where_responses_take_longer() -> None:
    assert doubling_s(2.0, 5.0) == pytest.approx(1.0)


def test_it_doubles_no_faster_than_ten_times_a_second() -> None:
    assert doubling_s(20.0, 0.001) == pytest.approx(0.1)


def test_it_doubles_every_second_once_much_is_in_flight() -> None:
    assert doubling_s(239.0, 0.1) == pytest.approx(0.1)
    assert doubling_s(240.0, 0.1) == pytest.approx(1.0)


def test_it_stops_growing_until_enough_was_accepted() -> None:
    assert growth_per_s(DEFAULT_START, 480.0, 0.1, 0) == 0.0
    assert growth_per_s(DEFAULT_START, 480.0, 0.1, 100) > 0.0
    assert growth_per_s(DEFAULT_START, 500.0, 0.1, 100) == 0.0


@given(st.floats(0.1, 1000.0), st.floats(0.0, 100.0), st.integers(0, 10**6))
def test_a_response_never_slows_a_start_down(rate_per_s: float, response_s: float, accepted: int) -> None:
    assert 0.0 <= growth_per_s(DEFAULT_START, rate_per_s, response_s, accepted) <= math.log(2.0) / 0.1 + 1e-9
