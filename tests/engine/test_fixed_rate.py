import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.fixed_rate import FixedRate

LATENESS = st.lists(st.floats(0.0, 0.03), min_size=1, max_size=400)


def starts_of(rate: FixedRate, lateness: list[float]) -> list[float]:
    now, starts = 0.0, []
    for late_s in lateness:
        due = rate.next_start(now)
        now = due + late_s if due > now else now
        rate.sent(now)
        starts.append(now)
    return starts


def test_starts_are_evenly_spaced() -> None:
    starts = starts_of(FixedRate(50.0), [0.0] * 100)
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps == pytest.approx([0.02] * 99)


@pytest.mark.parametrize("rate_per_s", [0.2, 7.0, 1000.0])
def test_late_timers_do_not_lower_the_rate(rate_per_s: float) -> None:
    starts = starts_of(FixedRate(rate_per_s), [0.0011] * 500)
    assert 499 / (starts[-1] - starts[0]) == pytest.approx(rate_per_s, rel=0.005)


def test_a_burst_starts_at_once_after_an_idle_time() -> None:
    rate = FixedRate(10.0, burst=5)
    rate.sent(0.0)
    starts = list[float]()
    for _ in range(6):
        starts.append(rate.next_start(starts[-1] if starts else 60.0))
        rate.sent(starts[-1])
    assert starts == pytest.approx([60.0] * 5 + [60.1])


def test_without_a_burst_idle_time_is_not_made_up_for() -> None:
    rate = FixedRate(10.0)
    rate.sent(0.0)
    rate.sent(60.0)
    assert rate.next_start(60.0) == pytest.approx(60.1)


def test_a_stall_is_caught_up_without_a_second_above_the_bound() -> None:
    starts = starts_of(FixedRate(200.0), [0.0] * 100 + [0.09] + [0.0] * 400)
    most = max(sum(1 for start in starts if at <= start < at + 1.0 - 1e-6) for at in starts)
    assert most == 201
    assert 500 / (starts[-1] - starts[0]) == pytest.approx(200.0, rel=0.01)


@given(rate_per_s=st.floats(1.0, 500.0), burst=st.integers(1, 30), lateness=LATENESS)
def test_no_second_holds_more_than_the_rate_and_the_burst(rate_per_s: float, burst: int, lateness: list[float]) -> None:
    starts = starts_of(FixedRate(rate_per_s, burst=burst), lateness)
    for at in starts:
        assert sum(1 for start in starts if at <= start < at + 1.0 - 1e-6) <= rate_per_s + burst


@given(lateness=LATENESS)
def test_the_next_start_is_never_in_the_past(lateness: list[float]) -> None:
    rate, now = FixedRate(20.0), 0.0
    for late_s in lateness:
        assert rate.next_start(now) >= now
        now += late_s
        rate.sent(now)


def test_a_stall_longer_than_the_catch_up_time_is_lost() -> None:
    rate = FixedRate(20.0)
    rate.sent(0.0)
    rate.sent(0.2)  # due at 0.05, more than 0.1 s ago
    assert rate.next_start(0.2) == pytest.approx(0.25)


def test_a_stall_within_the_catch_up_time_keeps_the_schedule() -> None:
    rate = FixedRate(20.0)
    rate.sent(0.0)
    rate.sent(0.14)  # due at 0.05
    assert rate.next_start(0.14) == pytest.approx(0.14)
    rate.sent(0.14)
    assert rate.next_start(0.14) == pytest.approx(0.15)


def test_catching_up_pauses_while_the_last_1001_ms_are_full() -> None:
    rate = FixedRate(20.0)
    rate.sent(0.09)  # due at 0.0, so that the schedule would start the 22nd at 1.05
    for number in range(1, 21):
        rate.sent(max(0.09, number / 20))
    assert rate.next_start(1.0) == pytest.approx(0.09 + 1.001)


@given(rate_per_s=st.floats(1.0, 500.0), lateness=LATENESS)
def test_a_schedule_without_stalls_is_kept_to_within_one_interval(rate_per_s: float, lateness: list[float]) -> None:
    starts = starts_of(FixedRate(rate_per_s), lateness)
    for number, start in enumerate(starts):
        assert start >= number / rate_per_s - 1e-6
    if all(late_s < 1.0 / rate_per_s for late_s in lateness):
        assert starts[-1] < len(starts) / rate_per_s + 1e-6
