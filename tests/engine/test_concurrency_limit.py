import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.concurrency_limit import ConcurrencyLimit


def test_four_may_be_in_flight_before_the_first_response() -> None:
    assert ConcurrencyLimit().most_in_flight(1000.0) == 4


def test_the_limit_is_twice_what_littles_law_needs() -> None:
    limit = ConcurrencyLimit()
    limit.answered(0.2)
    assert limit.most_in_flight(50.0) == 4 + 20


def test_responses_that_become_slow_do_not_raise_the_limit() -> None:
    limit = ConcurrencyLimit()
    limit.answered(0.2)
    for _ in range(20):
        limit.answered(2.0)
    assert limit.most_in_flight(50.0) <= 4 + 21


def test_a_latency_that_stays_high_becomes_the_usual_one() -> None:
    limit = ConcurrencyLimit()
    limit.answered(0.2)
    for _ in range(2000):
        limit.answered(2.0)
    assert limit.most_in_flight(50.0) == 4 + 200


@given(st.lists(st.floats(0.0, 1e4)), st.floats(0.0, 1e4))
def test_at_least_four_may_always_be_in_flight(latencies: list[float], rate_per_s: float) -> None:
    limit = ConcurrencyLimit()
    for latency_s in latencies:
        limit.answered(latency_s)
    assert limit.most_in_flight(rate_per_s) >= 4


def test_one_fast_response_lowers_the_limit_at_once() -> None:
    limit = ConcurrencyLimit()
    limit.answered(2.0)
    limit.answered(0.1)
    assert limit.most_in_flight(50.0) == 4 + 10


def test_the_usual_latency_doubles_in_347_slow_responses() -> None:
    limit = ConcurrencyLimit()
    limit.answered(0.1)
    for _ in range(347):
        limit.answered(10.0)
    assert limit.most_in_flight(1000.0) == pytest.approx(4 + 2 * 1000 * 0.2, abs=1)


@given(st.floats(0.001, 10.0), st.lists(st.floats(0.0, 100.0), max_size=50), st.floats(1.0, 1000.0))
def test_fifty_responses_raise_the_limit_by_a_tenth_at_most(
    usual_s: float, latencies: list[float], rate_per_s: float
) -> None:
    limit = ConcurrencyLimit()
    limit.answered(usual_s)
    for latency_s in latencies:
        limit.answered(latency_s)
    assert limit.most_in_flight(rate_per_s) <= 4 + math.ceil(2.0 * rate_per_s * usual_s * 1.002**50 * (1.0 + 1e-9))
