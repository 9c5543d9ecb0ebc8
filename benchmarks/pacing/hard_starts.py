"""Starts that are expensive: what a first refusal costs, pauses of half a minute, slow responses, and very low limits."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from typing_extensions import override

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.search_values import SearchState
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.cold import FREE, NETWORKS
from benchmarks.pacing.limiters import LIMITERS, FixedWindow, Limiter, TokenBucket
from benchmarks.pacing.parallel import run_all
from benchmarks.pacing.simulator import Network, Result, simulate
from benchmarks.pacing.tables import head, row

__all__ = ["PausingBucket", "low", "pauses", "slow", "starts"]

SEEDS, MANY_SEEDS = (101, 102, 103), tuple(range(101, 111))
START_RATES, START_S = (5.0, 8.0, 20.0, 50.0, 130.0, 330.0), 90.0
PAUSE_RATES, PAUSE_S = (5.0, 7.0, 10.0, 16.0, 20.0, 26.0, 60.0, 130.0), 30.0
LOW_RATES, LOW_S = (1.0, 0.1), 3600.0
WORK, PATIENCE_S = 1_000, 7200.0
SLOW_NETWORKS = {
    "5 s, a refusal too": Network(delay_s=2.5, jitter_s=0.001, service_s=0.001),
    "5 s on average, a refusal 60 ms": Network(service_s=5.0),
}
SLOW_SERVICES: dict[str, Callable[[], Limiter]] = {
    "no limit": FREE,
    "bucket 20/s, burst 20": lambda: TokenBucket(20.0, 20.0),
    "bucket 20/s, burst 1": lambda: TokenBucket(20.0, 1.0),
    "bucket 60/s, burst 8": lambda: TokenBucket(60.0, 8.0),
    "window of 1 s, 50/s": lambda: FixedWindow(50.0, 1.0, 0.37),
}


class PausingBucket(TokenBucket):
    """Without a burst; each refusal asks for a pause that is much longer than needed."""

    @override
    def admit(self, now: float) -> float | None:
        return None if super().admit(now) is None else PAUSE_S


class _Counting(SearchClient):
    """Counts the refusals until the service accepts what is sent after the first of them."""

    def __init__(self) -> None:
        super().__init__(LimitSearch())
        self.refused_at_start = 0
        self._refused_at: float | None = None
        self._has_ended = False

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        super().accepted(now, sent_at, tag)
        is_open = self.search.snapshot(now).state is not SearchState.CLOSED
        self._has_ended |= self._refused_at is not None and sent_at > self._refused_at and is_open

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        super().refused(now, sent_at, tag, retry_after_s)
        self._refused_at = now if self._refused_at is None else self._refused_at
        self.refused_at_start += not self._has_ended


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    service: str
    seed: int
    network: str = "far"
    rate_per_s: float = 0.0
    sends_retry_after: bool = False

    def limiter(self) -> Limiter:
        return LIMITERS[self.service](self.rate_per_s, 0.1 * (self.seed % 10))


def starts() -> None:
    print(
        f"\n## Refusals of a cold start: until the service accepts again / in the first {START_S:g} s, most of three seeds\n"
    )
    keys = list(product(LIMITERS, (False, True), NETWORKS))
    cases = {
        (key, rate): [
            _Case(service=key[0], sends_retry_after=key[1], network=key[2], rate_per_s=rate, seed=seed)
            for seed in SEEDS
        ]
        for key, rate in product(keys, START_RATES)
    }
    results = run_all(_start, cases, longest_first=_rate_of)
    head(["limiter", "Retry-After", "service", *(f"{rate:g}/s" for rate in START_RATES)])
    for name, sends, network in keys:
        cells = [results[(name, sends, network), rate] for rate in START_RATES]
        most = [tuple(max(counts) for counts in zip(*cell, strict=True)) for cell in cells]
        row([name, "yes" if sends else "no", network, *(f"{start} / {in_all}" for start, in_all in most)])
    print(f"\nMost until the service accepts again: {max(start for cell in results.values() for start, _ in cell)}.")


def _start(case: _Case) -> tuple[int, int]:
    client = _Counting()
    result = simulate(
        client,
        case.limiter(),
        seconds=START_S,
        seed=case.seed,
        network=NETWORKS[case.network],
        sends_retry_after=case.sends_retry_after,
    )
    return client.refused_at_start, result.refused


def pauses() -> None:
    print(
        f"\n## {WORK:,} runs, a bucket without a burst, Retry-After: {PAUSE_S:g}: seconds / refusals, median of ten seeds\n"
    )
    cases = {
        (network, rate): [_Case(service="", network=network, rate_per_s=rate, seed=seed) for seed in MANY_SEEDS]
        for network, rate in product(NETWORKS, PAUSE_RATES)
    }
    results = run_all(_paused, cases, longest_first=_rate_of)
    head(["service", *(f"{rate:g}/s" for rate in PAUSE_RATES)])
    for network in NETWORKS:
        row([network, *(_time(results[network, rate]) for rate in PAUSE_RATES)])


def _paused(case: _Case) -> Result:
    return simulate(
        SearchClient(LimitSearch()),
        PausingBucket(case.rate_per_s, 1.0),
        seconds=PATIENCE_S,
        work=WORK,
        seed=case.seed,
        network=NETWORKS[case.network],
        sends_retry_after=True,
    )


def slow() -> None:
    print(f"\n## {WORK:,} runs where responses take 5 s: seconds / refusals, median of three seeds\n")
    keys = list(product(SLOW_SERVICES, SLOW_NETWORKS))
    results = run_all(
        _slow,
        {key: [_Case(service=key[0], network=key[1], seed=seed) for seed in SEEDS] for key in keys},
        longest_first=_rate_of,
    )
    head(["limit", *SLOW_NETWORKS])
    for name in SLOW_SERVICES:
        row([name, *(_time(results[name, network]) for network in SLOW_NETWORKS)])


def _slow(case: _Case) -> Result:
    limiter, network = SLOW_SERVICES[case.service](), SLOW_NETWORKS[case.network]
    return simulate(
        SearchClient(LimitSearch()), limiter, seconds=PATIENCE_S, work=WORK, seed=case.seed, network=network
    )


def low() -> None:
    print("\n## Very low limits, an hour from a cold start: share used / share refused, mean of three seeds\n")
    keys = list(product(LIMITERS, (False, True)))
    cases = {
        (key, rate): [_Case(service=key[0], sends_retry_after=key[1], rate_per_s=rate, seed=seed) for seed in SEEDS]
        for key, rate in product(keys, LOW_RATES)
        if _has_quota(key[0], rate)
    }
    results = run_all(_low, cases, longest_first=_rate_of)
    head(["limiter", "Retry-After", *(f"{rate:g}/s" for rate in LOW_RATES)])
    for key in keys:
        cells = [_share(results[key, rate], rate) if _has_quota(key[0], rate) else "" for rate in LOW_RATES]
        row([key[0], "yes" if key[1] else "no", *cells])


def _has_quota(limiter: str, rate_per_s: float) -> bool:
    """A window of a second with a quota of 0.1, or a bucket that holds as little, accepts nothing at all."""
    return rate_per_s >= 1.0 or "60 s" in limiter or limiter == "bucket, burst 1"


def _low(case: _Case) -> Result:
    return simulate(
        SearchClient(LimitSearch()),
        case.limiter(),
        seconds=LOW_S,
        seed=case.seed,
        sends_retry_after=case.sends_retry_after,
    )


def _share(results: list[Result], rate_per_s: float) -> str:
    used = statistics.mean(result.share_used(rate_per_s) for result in results)
    refused = statistics.mean(result.share_refused for result in results)
    return f"{used:.1%} / {refused:.2%}"


def _time(results: list[Result]) -> str:
    seconds, refused = ([getattr(result, name) for result in results] for name in ("seconds", "refused"))
    return f"{statistics.median(seconds):.0f} s / {statistics.median(refused):g}"


def _rate_of(case: _Case) -> float:
    return case.rate_per_s
