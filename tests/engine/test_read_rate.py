import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.read_rate import ReadRate


def starts(reads: ReadRate, count: int, *, now: float = 0.0, attempts_per_s: float = 0.0) -> list[float]:
    """When ``count`` read requests start, each as soon as it may."""
    found = []
    for _ in range(count):
        now = reads.next_start(now, attempts_per_s)
        reads.sent(now)
        found.append(now)
    return found


def test_five_a_second_by_default_the_first_five_at_once() -> None:
    assert starts(ReadRate(), 12) == pytest.approx([0.0] * 5 + [1.0] * 5 + [2.0] * 2)


def test_a_fifth_of_the_attempts_rate_where_that_is_more() -> None:
    reads = ReadRate()
    assert reads.per_s(0.0, 24.0) == 5.0
    assert reads.per_s(0.0, 100.0) == 20.0
    assert starts(reads, 40, attempts_per_s=100.0)[-1] == pytest.approx(1.0)


def test_a_given_rate_applies_whatever_the_attempts_do() -> None:
    assert starts(ReadRate(2.0), 4, attempts_per_s=1000.0) == pytest.approx([0.0, 0.0, 1.0, 1.0])


def test_below_one_a_second_calls_are_evenly_spaced() -> None:
    assert starts(ReadRate(0.25), 3) == pytest.approx([0.0, 4.0, 8.0])


def test_a_broken_rate_is_kept_over_its_own_window() -> None:
    assert starts(ReadRate(2.5), 5) == pytest.approx([0.0, 0.0, 0.0, 1.2, 1.2])


def test_a_refusal_halves_the_rate_which_doubles_again_in_half_a_minute() -> None:
    reads = ReadRate(8.0)
    reads.refused(10.0)
    assert reads.per_s(10.0, 0.0) == pytest.approx(4.0)
    assert reads.per_s(25.0, 0.0) == pytest.approx(4.0 * 2**0.5)
    assert reads.per_s(40.0, 0.0) == pytest.approx(8.0)
    assert reads.per_s(4000.0, 0.0) == 8.0


def test_once_refused_they_leave_most_of_a_small_limit_to_attempts_that_wait() -> None:
    reads = ReadRate()
    assert reads.per_s(0.0, 10.0, attempts_wait=True) == 5.0
    reads.refused(0.0)
    assert reads.per_s(100.0, 10.0, attempts_wait=True) == pytest.approx(2.0)
    assert reads.per_s(100.0, 10.0, attempts_wait=False) == pytest.approx(5.0)
    assert reads.per_s(100.0, 0.001, attempts_wait=True) > 0.003


def test_half_of_the_rate_while_no_attempt_waits() -> None:
    assert ReadRate().per_s(0.0, 100.0, attempts_wait=False) == 50.0


def test_refusals_within_a_second_halve_once_and_later_ones_again() -> None:
    reads = ReadRate(8.0)
    for at in (10.0, 10.1, 10.9):
        reads.refused(at)
    assert reads.per_s(10.0, 0.0) == pytest.approx(4.0)
    reads.refused(12.0)
    assert reads.per_s(12.0, 0.0) == pytest.approx(2.0, rel=0.05)


def test_refusals_leave_some_of_the_rate_and_it_recovers_within_minutes() -> None:
    reads = ReadRate()
    for at in range(0, 200, 2):
        reads.refused(float(at))
    assert reads.per_s(198.0, 0.0, attempts_wait=False) == pytest.approx(5.0 / 256)
    assert reads.per_s(198.0 + 240.0, 0.0, attempts_wait=False) == 5.0


@given(st.floats(0.01, 3000.0), st.lists(st.floats(0.0, 3.0), max_size=200))
def test_no_second_holds_more_than_the_rate(per_s: float, idle_s: list[float]) -> None:
    reads, now, sent = ReadRate(per_s), 0.0, []
    for idle in idle_s:
        now = reads.next_start(now + (idle if idle > 2.9 else 0.0), 0.0)
        reads.sent(now)
        sent.append(now)
    for first, at in enumerate(sent):
        assert sum(at <= other < at + 0.999 for other in sent[first:]) <= math.ceil(per_s)
