"""What a limiter shows about its limit while it refuses part of what it gets."""

import pytest

from batchrun.engine.pacing.narrowing import Measured, Narrowing
from benchmarks.pacing.limiters import FixedWindow, Limiter, TokenBucket


def send(narrowing: Narrowing, limiter: Limiter, rate_per_s: float, start: float, end: float) -> Measured | None:
    """Evenly spaced requests, answered at once; what the last refusal showed."""
    measured = None
    for number in range(round((end - start) * rate_per_s)):
        at = start + number / rate_per_s
        if limiter.admit(at) is None:
            narrowing.accepted(at)
        else:
            narrowing.refused()
            measured = narrowing.between_refusals(at, rate_per_s, ())
    return measured


def test_a_bucket_shows_its_rate_whatever_its_burst() -> None:
    for burst in (2.0, 8.0, 100.0):
        measured = send(Narrowing(0.0), TokenBucket(100.0, burst), 150.0, 0.0, 3.0)
        assert measured is not None
        assert measured.limit_per_s == pytest.approx(100.0, rel=0.05)
        assert measured.refused_per_s == 150.0


def test_the_first_refusal_measures_nothing() -> None:
    narrowing = Narrowing(0.0)
    for number in range(50):
        narrowing.accepted(number / 100)
    assert narrowing.between_refusals(0.5, 100.0, ()) is None


def test_too_few_accepted_requests_measure_nothing() -> None:
    narrowing = Narrowing(0.0)
    narrowing.between_refusals(0.0, 100.0, ())
    for number in range(1, 10):
        narrowing.accepted(number / 100)
    assert narrowing.between_refusals(0.1, 100.0, ()) is None
    narrowing.accepted(0.11)
    assert narrowing.between_refusals(0.12, 100.0, ()) is not None


def test_what_was_sent_before_and_is_not_answered_yet_counts_as_accepted() -> None:
    narrowing = Narrowing(0.0)
    narrowing.between_refusals(0.0, 100.0, ())
    unanswered = [number / 100 for number in range(1, 30)]
    measured = narrowing.between_refusals(0.2, 150.0, unanswered)
    assert measured is not None
    assert measured.limit_per_s == pytest.approx(19 / 0.2)


def test_it_is_over_once_the_refused_rate_is_close_to_the_limit() -> None:
    narrowing = Narrowing(0.0)
    bucket = TokenBucket(100.0, 3.0)
    send(narrowing, bucket, 125.0, 0.0, 0.5)
    assert not narrowing.is_over
    send(narrowing, bucket, 105.0, 0.5, 2.0)
    assert narrowing.is_over


def test_a_refusal_right_after_a_cut_does_not_lower_the_bound() -> None:
    narrowing = Narrowing(0.0)
    bucket = TokenBucket(100.0, 3.0)
    send(narrowing, bucket, 125.0, 0.0, 0.5)
    measured = narrowing.between_refusals(0.501, 98.0, ())
    assert measured is not None
    assert measured.refused_per_s == 125.0


def test_it_ends_after_a_dozen_cuts_that_measured_nothing() -> None:
    narrowing = Narrowing(0.0)
    for number in range(11):
        narrowing.between_refusals(float(number), 1.0, ())
    assert not narrowing.is_over
    narrowing.between_refusals(11.0, 1.0, ())
    assert narrowing.is_over


def test_a_bucket_that_may_be_full_again_has_to_be_emptied_first() -> None:
    narrowing = Narrowing(0.0)
    bucket = TokenBucket(100.0, 50.0)
    send(narrowing, bucket, 200.0, 0.0, 2.0)
    narrowing.reopened()
    first = send(narrowing, bucket, 200.0, 4.0, 4.52)  # the burst is spent after half a second
    measured = send(narrowing, bucket, 200.0, 4.52, 6.0)
    assert first is None
    assert measured is not None
    assert measured.limit_per_s == pytest.approx(100.0, rel=0.06)


def close(narrowing: Narrowing, window: FixedWindow, rate_per_s: float, start: float) -> tuple[float, int]:
    """Requests until the window refuses one: when that was, and how many were accepted."""
    at, accepted = start, 0
    while window.admit(at) is None:
        narrowing.accepted(at)
        accepted += 1
        at += 1.0 / rate_per_s
    return at, accepted


def test_a_quota_per_second_shows_itself_from_one_closure_to_the_next() -> None:
    narrowing, window = Narrowing(0.0), FixedWindow(40.0, 1.0, 0.0)
    at, count = close(narrowing, window, 100.0, 0.0)
    assert narrowing.between_closures(at, 100.0, count) is None
    narrowing.reopened()
    at, count = close(narrowing, window, 100.0, 1.0)
    measured = narrowing.between_closures(at, 100.0, count)
    assert measured is not None
    assert measured.limit_per_s == pytest.approx(40.0, rel=0.05)
    assert measured.refused_per_s == 100.0


def test_closures_are_believed_once_they_cost_fifteen_refusals() -> None:
    narrowing = Narrowing(0.0)
    narrowing.between_closures(0.4, 100.0, 40)
    for number in range(40):
        narrowing.accepted(1.0 + number / 100)
    for _ in range(15):
        narrowing.refused()
    measured = narrowing.between_closures(1.4, 100.0, 50)
    assert measured is not None
    assert measured.limit_per_s == pytest.approx(40.0)
    assert measured.refused_per_s == pytest.approx(50 * 1.02)
    assert narrowing.is_over


def test_closures_within_the_first_second_show_nothing() -> None:
    narrowing = Narrowing(10.0)
    assert narrowing.between_closures(10.3, 100.0, 5) is None
    assert narrowing.between_closures(10.6, 100.0, 5) is None
