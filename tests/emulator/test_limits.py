"""Limiters admit what they promise, and the wait they return is right."""

import hypothesis.strategies as st
from hypothesis import example, given

from batchrun.emulator.faults.limits import FixedWindow, Limit, SlidingWindow, TokenBucket, limit_of
from batchrun.emulator.settings import EmulatorSettings

MOMENTS = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200).map(sorted)


def admitted(limit: Limit, moments: list[float]) -> list[float]:
    return [moment for moment in moments if limit.acquire(moment) <= 0]


@given(MOMENTS)
@example([1e-38, 1.0, 1.0, 1.0, 2.0, 2.0])
def test_no_stretch_of_a_sliding_window_holds_more_than_its_limit(moments: list[float]) -> None:
    entered = admitted(SlidingWindow(4, 2.0, count_refused=False), moments)
    assert all(len([other for other in entered if start <= other < start + 2.0]) <= 4 for start in entered)


@given(MOMENTS)
def test_a_bucket_admits_its_burst_and_then_its_rate(moments: list[float]) -> None:
    entered = admitted(TokenBucket(2.0, 3), moments)
    for index, start in enumerate(entered):
        for count, end in enumerate(entered[index:], 1):
            assert count <= 3 + 2.0 * (end - start) + 1e-6


@given(st.floats(0, 1e6), st.floats(0.001, 60))
@example(209.0, 0.1)
def test_a_full_window_refuses_even_at_its_last_moment(moment: float, window_s: float) -> None:
    limit = FixedWindow(1, window_s)
    assert limit.acquire(moment) <= 0 < limit.acquire(moment)


@given(MOMENTS)
def test_a_fixed_window_counts_anew_in_each_window(moments: list[float]) -> None:
    entered = admitted(FixedWindow(3, 5.0), moments)
    assert all(len([moment for moment in entered if moment // 5 == index]) <= 3 for index in range(7))


def test_the_returned_wait_is_enough_and_not_much_more() -> None:
    for limit in (TokenBucket(10.0, 1), FixedWindow(1, 0.7), SlidingWindow(1, 0.9, count_refused=False)):
        assert limit.acquire(100.0) == 0
        wait_s = limit.acquire(100.05)
        assert 0 < wait_s < 1
        assert limit.acquire(100.05 + wait_s - 0.01) > 0
        assert limit.acquire(100.05 + wait_s + 1e-6) == 0


def test_refusals_use_up_a_sliding_window_that_counts_them() -> None:
    counting, lenient = SlidingWindow(1, 1.0), SlidingWindow(1, 1.0, count_refused=False)
    for moment in (0.0, 0.6, 1.2):
        waits = counting.acquire(moment), lenient.acquire(moment)
    assert waits[0] > 0
    assert waits[1] == 0


def test_refusals_use_up_a_bucket_that_counts_them() -> None:
    counting, lenient = TokenBucket(1.0, 1, count_refused=True), TokenBucket(1.0, 1)
    waits = [(counting.acquire(moment), lenient.acquire(moment)) for moment in (0.0, 0.5, 1.1)]
    assert waits[2][0] > 0
    assert waits[2][1] == 0


def test_settings_choose_the_limit() -> None:
    assert limit_of(EmulatorSettings()) is None
    for name, kind in (("bucket", TokenBucket), ("window", FixedWindow), ("sliding", SlidingWindow)):
        assert isinstance(limit_of(EmulatorSettings(rate_limit_per_s=5, limiter=name)), kind)
