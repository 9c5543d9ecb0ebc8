from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.concurrency_limit import ConcurrencyLimit


def test_a_few_may_go_before_anything_is_known() -> None:
    assert ConcurrencyLimit().most_in_flight(1000.0) == 4


def test_there_is_room_for_twice_what_the_usual_latency_needs() -> None:
    headroom = ConcurrencyLimit()
    headroom.answered(0.2)
    assert headroom.most_in_flight(50.0) == 4 + 20


def test_answers_that_become_slow_make_no_room() -> None:
    headroom = ConcurrencyLimit()
    headroom.answered(0.2)
    for _ in range(20):
        headroom.answered(2.0)
    assert headroom.most_in_flight(50.0) <= 4 + 21


def test_answers_that_stay_slow_are_the_new_usual() -> None:
    headroom = ConcurrencyLimit()
    headroom.answered(0.2)
    for _ in range(2000):
        headroom.answered(2.0)
    assert headroom.most_in_flight(50.0) == 4 + 200


@given(st.lists(st.floats(0.0, 1e4)), st.floats(0.0, 1e4))
def test_there_is_always_room_for_some(latencies: list[float], rate_per_s: float) -> None:
    headroom = ConcurrencyLimit()
    for latency_s in latencies:
        headroom.answered(latency_s)
    assert headroom.most_in_flight(rate_per_s) >= 4
