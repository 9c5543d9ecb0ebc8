import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.concurrency_limit import ConcurrencyLimit

RATE_PER_S = 50.0


def answer(limit: ConcurrencyLimit, latencies: list[float], *, now: float = 0.0, in_flight: int = 0) -> float:
    """Responses at an even rate, in the order of the requests; the time of the last one."""
    for number, latency_s in enumerate(latencies, 1):
        now += 1.0 / RATE_PER_S
        limit.answered(now, number, latency_s, in_flight=in_flight, rate_per_s=RATE_PER_S)
    return now


def test_there_is_no_limit_before_the_first_requests_are_answered() -> None:
    limit = ConcurrencyLimit()
    assert limit.most_in_flight(1000.0) == math.inf
    for number in range(2, 100):  # the first one takes long
        limit.answered(number / RATE_PER_S, number, 0.1, in_flight=1, rate_per_s=RATE_PER_S)
    assert limit.most_in_flight(1000.0) == math.inf
    limit.answered(5.0, 1, 5.0, in_flight=0, rate_per_s=RATE_PER_S)
    assert limit.usual_s == pytest.approx((5.0 + 7 * 0.1) / 8)


def test_a_response_that_never_comes_is_not_waited_for() -> None:
    limit = ConcurrencyLimit()
    for number in range(2, 131):
        limit.answered(number / RATE_PER_S, number, 0.1, in_flight=1, rate_per_s=RATE_PER_S)
    assert limit.usual_s == pytest.approx(0.1)


def test_the_limit_is_twice_what_littles_law_needs() -> None:
    limit = ConcurrencyLimit()
    answer(limit, [0.2] * 20)
    assert limit.most_in_flight(RATE_PER_S) == 4 + 20


def test_a_rate_that_the_service_never_showed_does_not_raise_the_limit() -> None:
    limit = ConcurrencyLimit()
    answer(limit, [0.2] * 20)
    assert limit.most_in_flight(1000.0) == 4 + math.ceil(2 * 2 * RATE_PER_S * 0.2)


def test_responses_that_become_slow_do_not_raise_the_limit() -> None:
    limit = ConcurrencyLimit()
    now = answer(limit, [0.2] * 50)
    answer(limit, [2.0] * 400, now=now)
    assert limit.most_in_flight(RATE_PER_S) == 4 + 20


def test_one_fast_response_changes_little() -> None:
    limit = ConcurrencyLimit()
    now = answer(limit, [0.2] * 130)
    answer(limit, [0.001], now=now)
    assert limit.usual_s == pytest.approx(0.2 - 0.2 / 128, rel=0.01)


def test_after_ten_slow_seconds_an_eighth_is_let_through_to_measure() -> None:
    limit = ConcurrencyLimit()
    now = answer(limit, [0.2] * 50)
    now = answer(limit, [2.0] * 500, now=now, in_flight=20)
    assert not limit.is_measuring
    answer(limit, [2.0] * 60, now=now, in_flight=20)
    assert limit.is_measuring
    assert limit.most_in_flight(RATE_PER_S) == 3


def measure(limit: ConcurrencyLimit, latency_s: float) -> None:
    """Ten slow seconds, and then the queue is gone and responses take ``latency_s``."""
    now = answer(limit, [0.2] * 50)
    now = answer(limit, [2.0] * 560, now=now, in_flight=20)
    now = answer(limit, [2.0], now=now, in_flight=1)
    answer(limit, [latency_s] * 8, now=now + latency_s + 1.0, in_flight=1)


def test_a_queue_that_is_gone_confirms_the_usual_time() -> None:
    limit = ConcurrencyLimit()
    measure(limit, 0.2)
    assert not limit.is_measuring
    assert limit.usual_s == pytest.approx(0.2)


def test_a_service_that_stays_slow_becomes_the_usual_one() -> None:
    limit = ConcurrencyLimit()
    measure(limit, 2.0)
    assert not limit.is_measuring
    assert limit.usual_s == pytest.approx(2.0)


def test_responses_from_before_the_queue_was_gone_are_not_measured() -> None:
    limit = ConcurrencyLimit()
    now = answer(limit, [0.2] * 50)
    now = answer(limit, [2.0] * 560, now=now, in_flight=20)
    answer(limit, [2.0] * 50, now=now, in_flight=20)
    assert limit.is_measuring


def test_slow_responses_now_and_then_are_no_reason_to_measure() -> None:
    limit, now = ConcurrencyLimit(), 0.0
    for _ in range(20):
        now = answer(limit, [0.2] * 75 + [1.0] * 15, now=now, in_flight=20)
    assert not limit.is_measuring


def test_scattered_response_times_do_not_count_as_slow() -> None:
    limit, draw = ConcurrencyLimit(), random.Random(1)
    now, measured = 0.0, 0
    for _ in range(200):
        now = answer(limit, [draw.expovariate(1 / 0.2) for _ in range(50)], now=now, in_flight=20)
        measured += limit.is_measuring
    assert measured == 0
    assert limit.most_in_flight(RATE_PER_S) >= RATE_PER_S * 0.2


@given(st.lists(st.tuples(st.floats(0.0, 1e4), st.integers(0, 300)), max_size=200), st.floats(0.0, 1e4))
def test_at_least_one_may_always_be_in_flight(answers: list[tuple[float, int]], rate_per_s: float) -> None:
    limit, now = ConcurrencyLimit(), 0.0
    for number, (latency_s, in_flight) in enumerate(answers, 1):
        now += latency_s
        limit.answered(now, number, latency_s, in_flight=in_flight, rate_per_s=rate_per_s)
        assert limit.most_in_flight(rate_per_s) >= 1
