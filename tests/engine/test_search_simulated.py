"""The search against simulated limiters: how much of the limit it uses, and what that costs in refusals."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.rate_control import RatePolicy
from batchrun.engine.pacing.search_policy import SearchPolicy
from batchrun.engine.pacing.search_values import Learned
from batchrun.wherobots.rate_headers import RateHint
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.limiters import FixedWindow, Limiter, SlidingWindow, TokenBucket
from benchmarks.pacing.simulator import Change, Network, Result, simulate

LOW_CEILING = SearchPolicy(controller=RatePolicy(ceiling_per_s=50.0))
NEARBY = Network(delay_s=0.0005, jitter_s=0.0002, service_s=0.002, refusal_s=0.001)


def run(limiter: Limiter, *, search: LimitSearch | None = None, seconds: float = 300.0, **more: Any) -> Result:
    return simulate(SearchClient(search or LimitSearch()), limiter, seconds=seconds, **more)


def used_late(result: Result, rate_per_s: float, last_s: int = 60) -> float:
    """The share of the limit used in the last ``last_s`` seconds."""
    end = int(result.seconds)
    return sum(result.accepted_a_second[end - last_s : end]) / (rate_per_s * last_s)


def free() -> Limiter:
    """A service without a limit."""
    return TokenBucket(1e6, 1e6)


@pytest.mark.parametrize(("network", "seconds"), [(Network(), 1.2), (NEARBY, 0.5)], ids=["far", "nearby"])
def test_a_few_runs_are_sent_at_once_where_nothing_is_refused(network: Network, seconds: float) -> None:
    assert run(free(), seconds=60.0, network=network, work=24).seconds < seconds


def test_it_never_grows_slower_than_doubling_every_second() -> None:
    slow = Network(delay_s=2.5, jitter_s=0.001, service_s=0.001)
    assert run(free(), seconds=60.0, network=slow, work=100).seconds < 22.0  # at most 5 s of it is the last response
    assert run(free(), seconds=60.0, network=slow, work=1000).seconds < 35.0  # two requests a second at first: 35 s


def test_what_is_in_flight_at_the_first_refusal_is_bounded() -> None:
    for rate_per_s in (5.0, 20.0, 130.0, 330.0):
        result = run(TokenBucket(rate_per_s, rate_per_s), seconds=10.0)
        assert result.refused <= 60


@pytest.mark.parametrize("rate_per_s", [5.0, 20.0, 130.0])
@pytest.mark.parametrize("make", [FixedWindow, SlidingWindow])
def test_a_start_that_meets_a_window_of_a_minute_costs_few_refusals(make: type[Limiter], rate_per_s: float) -> None:
    limiter = FixedWindow(rate_per_s, 60.0, 47.0) if make is FixedWindow else SlidingWindow(rate_per_s, 60.0)
    search = LimitSearch()
    client = SearchClient(search)
    result = simulate(client, limiter, seconds=61.0)  # until the window accepts again
    assert result.refused <= 60


@pytest.mark.parametrize("rate_per_s", [10.0, 20.0, 60.0])
def test_a_service_without_a_burst_that_asks_for_half_a_minute_is_asked_for_few_pauses(rate_per_s: float) -> None:
    class Patient(TokenBucket):
        @override
        def admit(self, now: float) -> float | None:
            return None if super().admit(now) is None else 30.0

    result = run(Patient(rate_per_s, 1.0), seconds=900.0, network=NEARBY, work=1000, sends_retry_after=True)
    assert result.refused <= 3
    assert result.seconds < 3.2 * 1000 / rate_per_s + 30.0


@pytest.mark.parametrize("network", [Network(), NEARBY], ids=["far", "nearby"])
@pytest.mark.parametrize("seed", [101, 102, 103])
def test_a_hidden_limit_is_used_almost_fully_from_the_start(network: Network, seed: int) -> None:
    result = run(TokenBucket(130.0, 8.0), seconds=60.0, work=5000, seed=seed, network=network)
    assert 5000 / 130.0 / result.seconds > 0.955
    assert result.refused <= 60


def test_a_service_that_queues_without_refusing_is_not_flooded() -> None:
    result = run(free(), seconds=120.0, network=Network(servers=4))  # 50 a second
    in_flight = result.in_flight_each_second
    assert max(in_flight) <= 90  # 57 to 80, by seed; 256 without a bound, after ten seconds
    assert sum(in_flight) / len(in_flight) <= 45
    assert sum(result.latency_each_second[-60:]) / 60 < 0.8
    assert result.accepted > 0.93 * 50 * 120


@pytest.mark.parametrize("rate_per_s", [5.0, 60.0, 200.0])
def test_a_bucket_with_a_burst_is_used_almost_fully_with_few_refusals(rate_per_s: float) -> None:
    result = run(TokenBucket(rate_per_s, rate_per_s), seconds=600.0)
    assert result.share_used(rate_per_s) > 0.97
    assert result.share_refused < 0.012


@pytest.mark.parametrize("tells", [False, True], ids=["silent", "retry_after"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: FixedWindow(40.0, 1.0, 0.3), id="window of 1 s"),
        pytest.param(lambda: FixedWindow(40.0, 60.0, 21.0), id="window of 60 s"),
        pytest.param(lambda: SlidingWindow(40.0, 60.0), id="sliding 60 s, charges"),
    ],
)
def test_windows_are_recognised(make: Callable[[], Limiter], tells: bool) -> None:
    result = run(make(), seconds=600.0, sends_retry_after=tells)
    assert result.share_used(40.0) > 0.9
    assert result.share_refused < 0.012


@pytest.mark.parametrize("make", [lambda: FixedWindow(50.0, 1.0, 0.37), lambda: SlidingWindow(50.0, 1.0)])
def test_a_service_nearby_does_not_get_many_cuts_out_of_one_closed_window(make: Callable[[], Limiter]) -> None:
    result = run(make(), seconds=60.0, network=NEARBY)
    assert result.share_used(50.0) > 0.85


def test_the_length_of_a_window_is_measured_and_learned() -> None:
    search = LimitSearch()
    run(FixedWindow(20.0, 60.0, 17.0), search=search, seconds=400.0)
    learned = search.learned()
    assert learned is not None
    assert learned.window_s == 60.0
    assert learned.rate_per_s == pytest.approx(20.0, rel=0.05)


def test_a_learned_rate_saves_the_search() -> None:
    search = LimitSearch(learned=Learned(rate_per_s=40.0))
    result = run(TokenBucket(40.0, 40.0), search=search, seconds=30.0)
    assert result.share_used(40.0) > 0.95
    assert result.refused <= 3


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_search_adapts_to_a_limit_that_changes(factor: float) -> None:
    change = Change(200.0, 50.0 * factor)
    result = run(TokenBucket(50.0, 50.0), seconds=260.0, change=change)
    assert used_late(result, 50.0 * factor, last_s=20) > 0.9


@pytest.mark.parametrize("seed", [1, 2])
def test_it_never_goes_above_its_ceiling(seed: int) -> None:
    result = run(TokenBucket(1000.0, 1000.0), search=LimitSearch(LOW_CEILING), seconds=60.0, seed=seed)
    starts = result.accepted_a_second[:59]
    assert max(starts) <= 50 + 2
    assert sum(starts[30:]) == pytest.approx(50 * 29, rel=0.02)


def test_a_limit_announced_in_headers_is_kept_without_a_refusal() -> None:
    search, limiter = LimitSearch(), FixedWindow(20.0, 60.0, 17.0)
    search.announced(0.0, RateHint(limit=1200, window_s=60))
    result = run(limiter, search=search, seconds=300.0)
    assert result.refused == 0
    assert used_late(result, 20.0) == pytest.approx(0.99, abs=0.01)


def test_two_searches_with_the_same_responses_agree() -> None:
    draw = random.Random(7)
    limiters = [TokenBucket(30.0, 30.0), TokenBucket(30.0, 30.0)]
    seed = draw.randrange(1000)
    one, two = (run(limiter, seed=seed, seconds=60.0) for limiter in limiters)
    assert one.accepted_a_second == two.accepted_a_second
