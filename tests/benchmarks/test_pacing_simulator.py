"""The figures of the pacing benchmark are worth as much as its limiters and peers are right."""

import pytest

from benchmarks.pacing.clients import PEERS, ConstantRate
from benchmarks.pacing.limiters import LIMITERS, FixedWindow, Limiter, SlidingWindow, TokenBucket
from benchmarks.pacing.simulator import Change, Network, simulate

EXACT = Network(delay_s=0.02, jitter_s=1e-9, service_s=1e-9)


def let_in(limiter: Limiter, times: list[float]) -> list[bool]:
    return [limiter.admit(at) is None for at in times]


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(10.0, 3.0)
    assert let_in(bucket, [0.0] * 5 + [0.1, 0.15, 0.2]) == [True] * 3 + [False] * 2 + [True, False, True]


def test_a_bucket_says_when_the_next_token_comes() -> None:
    bucket = TokenBucket(10.0, 1.0)
    bucket.admit(0.0)
    assert bucket.admit(0.04) == pytest.approx(0.06)


def test_a_fixed_window_turns_at_its_phase() -> None:
    window = FixedWindow(2.0, 10.0, 4.0)
    assert let_in(window, [0.0] * 21) == [True] * 20 + [False]
    assert window.admit(3.0) == pytest.approx(1.0)
    assert window.admit(4.0) is None


def test_a_sliding_window_counts_what_it_refuses() -> None:
    window = SlidingWindow(2.0, 1.0)
    assert let_in(window, [0.0, 0.0, 0.5, 1.1, 1.2, 1.4]) == [True, True, False, True, False, False]
    assert window.admit(3.0) is None


@pytest.mark.parametrize("name", LIMITERS)
def test_every_limiter_lets_in_what_it_promises_and_not_more(name: str) -> None:
    exact = simulate(ConstantRate(19.0), LIMITERS[name](20.0, 0.3), seconds=300.0, network=EXACT)
    assert exact.refused == 0
    over = simulate(ConstantRate(100.0), LIMITERS[name](20.0, 0.3), seconds=300.0, network=EXACT)
    assert over.accepted <= 20.0 * 360.0 + 20.0


def test_jitter_on_the_way_is_what_a_bucket_without_a_burst_punishes() -> None:
    even = ConstantRate(0.985 * 100.0)
    assert simulate(even, TokenBucket(100.0, 1.0), seconds=60.0, network=EXACT).share_refused == 0.0
    assert simulate(ConstantRate(98.5), TokenBucket(100.0, 1.0), seconds=60.0).share_refused > 0.2


def test_a_change_of_the_limit_takes_effect_when_it_should() -> None:
    limiter = TokenBucket(50.0, 50.0)
    result = simulate(ConstantRate(40.0), limiter, seconds=100.0, network=EXACT, change=Change(50.0, 20.0))
    assert sum(result.refused_a_second[:50]) == 0
    assert sum(result.accepted_a_second[60:100]) == pytest.approx(800, abs=25)


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_gets_its_work_done_where_nothing_is_refused(name: str) -> None:
    result = simulate(PEERS[name](1), TokenBucket(1e9, 1e9), seconds=120.0, work=500)
    assert result.accepted == 500
    assert result.refused == 0
