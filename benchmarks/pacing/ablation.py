"""What each part of the search contributes: the thirty cases as is, without a part, and with AIMD instead."""

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from typing_extensions import override

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.quota_window import QuotaWindow
from batchrun.engine.pacing.rate_control import DEFAULT_RATE_POLICY
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH
from batchrun.engine.pacing.start import DEFAULT_START
from benchmarks.pacing.cases import Case, Figures, measure
from benchmarks.pacing.clients import AdditiveIncrease, SearchClient
from benchmarks.pacing.limiters import TokenBucket
from benchmarks.pacing.parallel import run_all
from benchmarks.pacing.simulator import Client, simulate
from benchmarks.pacing.tables import head, row
from benchmarks.pacing.thirty import THIRTY, is_met

__all__ = ["ablate"]


class _ClosuresOnly(QuotaWindow):
    """Still closes, probes and opens, but infers no length and knows no natural one."""

    @property
    @override
    def length_s(self) -> None:
        return None

    @override
    def _next_probe(self, now: float) -> float:
        return now + self._gap_s


class _WithoutLengths(LimitSearch):
    def __init__(self) -> None:
        super().__init__()
        self._window = _ClosuresOnly(0.0)


class _WithoutMeasurement(LimitSearch):
    """The first refusals only halve the rate; binary search does the rest."""

    @override
    def _narrow(self, *, is_first: bool, is_paused: bool) -> None:
        self._was_paused_first = is_first and is_paused


def _with(**changes: Any) -> Callable[[], Client]:  # noqa: ANN401 - knobs have different types
    return lambda: SearchClient(LimitSearch(replace(DEFAULT_SEARCH, **changes)))


def _controlled(**changes: Any) -> Callable[[], Client]:  # noqa: ANN401 - as above
    return _with(controller=replace(DEFAULT_RATE_POLICY, **changes))


def _aimd() -> Client:
    return AdditiveIncrease(0)


VARIANTS: dict[str, Callable[[], Client]] = {
    "as is": _with(),
    "without window lengths": lambda: SearchClient(_WithoutLengths()),
    "without measuring the limit from the first refusals": lambda: SearchClient(_WithoutMeasurement()),
    "without bisection": _controlled(gap_step=0.0),
    "without debt": _controlled(refused_target=math.inf, lost_target=math.inf),
    "without a margin": _controlled(margin=0.0),
    "without deeper cuts in a row": _controlled(first_cut=0.0),
    "without the time in which refusals do not cut again": _with(echo_s=0.0),
    "without a bound on what a start may have refused": _with(start=replace(DEFAULT_START, most_refused=math.inf)),
    "a start at 2/s that doubles every second": _with(
        start=replace(DEFAULT_START, start_per_s=2.0, fastest_doubling_s=1.0)
    ),
    "AIMD, -10 %": _aimd,
}


def ablate() -> None:
    print(f"\n## Ablation: of {len(THIRTY)} cases, how many met their aims\n")
    tasks = {name: [(name, case) for case in THIRTY] for name in VARIANTS}
    results = run_all(_measure, tasks, longest_first=lambda task: task[1].rate_per_s)
    head(["variant", "cases met", "used, mean", "refused, mean", "a short batch"])
    for name, all_of in results.items():
        row([name, *summary(all_of), short_batch(VARIANTS[name])])


def summary(results: list[Figures]) -> list[str]:
    met = sum(is_met(case.limiter, figures) for case, figures in zip(THIRTY, results, strict=True))
    used = sum(figures.used for figures in results) / len(results)
    refused = sum(figures.refused for figures in results) / len(results)
    return [f"{met} of {len(results)}", f"{used:.1%}", f"{refused:.2%}"]


def short_batch(make: Callable[[], Client]) -> str:
    """1,000 runs from a cold start, at 130 a second with a burst of 8: ideal is 7.6 s."""
    results = [
        simulate(make(), TokenBucket(130.0, 8.0), seconds=600.0, work=1000, seed=seed) for seed in (101, 102, 103)
    ]
    seconds, refused = ([getattr(result, name) for result in results] for name in ("seconds", "refused"))
    return f"{statistics.median(seconds):.1f} s / {statistics.median(refused):g}"


def _measure(task: tuple[str, Case]) -> Figures:
    name, case = task
    return measure(case, VARIANTS[name]())
