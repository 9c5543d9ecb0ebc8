"""How much each number of a start matters, in cases that are too short to show in the thirty."""

import statistics
from contextlib import nullcontext
from itertools import product

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH, SearchPolicy
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.cold import FREE, NEARBY
from benchmarks.pacing.hard_starts import PausingBucket
from benchmarks.pacing.limiters import FixedWindow, Limiter, TokenBucket
from benchmarks.pacing.numbers import Number, changed, numbers
from benchmarks.pacing.parallel import measure_all
from benchmarks.pacing.simulator import Network, Result, simulate
from benchmarks.pacing.tables import head, row

__all__ = ["vary_starts"]

FACTORS, SEEDS = (0.5, 2.0), (101, 102, 103)
MODULES = ("start", "narrowing", "concurrency_limit")
NAMES = ("paused_cut", "quick_verify_s", "quick_successes")


def vary_starts() -> None:
    print("\n## Sensitivity of starts: half and twice of a number, median of three seeds\n")
    head(
        [
            "number",
            "factor",
            "becomes",
            "24 runs, no limit, nearby",
            "1,000 runs at 130/s, burst 8",
            "window of 60 s, 20/s: refused in 90 s",
            "1,000 runs at 20/s, no burst, Retry-After: 30, nearby",
            "1,000 runs, responses take 5 s",
            "50/s, 4 at a time: most in flight, created in 120 s",
        ]
    )
    chosen = [number for number in numbers() if number.module in MODULES or number.name in NAMES]
    tasks = [(None, 1.0), *product(chosen, FACTORS)]
    for (number, factor), cells in zip(tasks, measure_all(_measure, tasks), strict=True):
        name = ["as is", "", ""] if number is None else [number.name, f"{factor:g}", f"{number.times(factor):g}"]
        row([*name, *cells])


def _measure(task: tuple[Number | None, float]) -> list[str]:
    number, factor = task
    with changed(number, number.times(factor)) if number else nullcontext(DEFAULT_SEARCH) as policy:
        return _cells(policy)


def _cells(policy: SearchPolicy) -> list[str]:
    far, slow = Network(), Network(delay_s=2.5, jitter_s=0.001, service_s=0.001)
    few = [_run(policy, FREE(), seed, work=24, network=NEARBY) for seed in SEEDS]
    short = [_run(policy, TokenBucket(130.0, 8.0), seed, work=1000, network=far) for seed in SEEDS]
    window = [_run(policy, FixedWindow(20.0, 60.0, 47.0), seed, seconds=90.0, network=far) for seed in SEEDS]
    paused = [
        _run(policy, PausingBucket(20.0, 1.0), seed, work=1000, network=NEARBY, sends_retry_after=True)
        for seed in SEEDS
    ]
    late = [_run(policy, FREE(), seed, work=1000, network=slow) for seed in SEEDS]
    queue = [_run(policy, FREE(), seed, seconds=120.0, network=Network(servers=4)) for seed in SEEDS]
    most = statistics.median(max(result.in_flight_each_second) for result in queue)
    return [
        f"{_seconds(few):.2f} s",
        f"{_seconds(short):.1f} s / {_refused(short):g}",
        f"{_refused(window):g}",
        f"{_seconds(paused):.0f} s / {_refused(paused):g}",
        f"{_seconds(late):.0f} s",
        f"{most:g} / {statistics.median(result.accepted for result in queue):,.0f}",
    ]


def _run(
    policy: SearchPolicy,
    limiter: Limiter,
    seed: int,
    *,
    network: Network,
    work: float = float("inf"),
    seconds: float = 3600.0,
    sends_retry_after: bool = False,
) -> Result:
    return simulate(
        SearchClient(LimitSearch(policy)),
        limiter,
        seconds=seconds,
        work=work,
        seed=seed,
        network=network,
        sends_retry_after=sends_retry_after,
    )


def _seconds(results: list[Result]) -> float:
    return statistics.median(result.seconds for result in results)


def _refused(results: list[Result]) -> float:
    return statistics.median(result.refused for result in results)
