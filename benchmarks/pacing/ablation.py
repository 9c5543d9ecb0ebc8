"""What each part of the search contributes: the thirty cases as is, without a part, and with AIMD instead."""

from collections.abc import Callable

from typing_extensions import override

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.quota_window import QuotaWindow
from batchrun.engine.pacing.rate_control import RatePolicy
from batchrun.engine.pacing.search_policy import SearchPolicy
from benchmarks.pacing.cases import Case, Figures, measure
from benchmarks.pacing.clients import AdditiveIncrease, SearchClient
from benchmarks.pacing.parallel import run_all
from benchmarks.pacing.simulator import Client
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


def _as_is() -> Client:
    return SearchClient(LimitSearch())


def _without_lengths() -> Client:
    return SearchClient(_WithoutLengths())


def _without_bisection() -> Client:
    return SearchClient(LimitSearch(SearchPolicy(controller=RatePolicy(gap_step=0.0))))


def _aimd() -> Client:
    return AdditiveIncrease(0)


VARIANTS: dict[str, Callable[[], Client]] = {
    "as is": _as_is,
    "without window lengths": _without_lengths,
    "without bisection": _without_bisection,
    "AIMD, -10 %": _aimd,
}


def ablate() -> None:
    print(f"\n## Ablation: of {len(THIRTY)} cases, how many met their aims\n")
    tasks = {name: [(name, case) for case in THIRTY] for name in VARIANTS}
    results = run_all(_measure, tasks, longest_first=lambda task: task[1].rate_per_s)
    head(["variant", "cases met", "used, mean", "refused, mean"])
    for name, all_of in results.items():
        row([name, *summary(all_of)])


def summary(results: list[Figures]) -> list[str]:
    met = sum(is_met(case.limiter, figures) for case, figures in zip(THIRTY, results, strict=True))
    used = sum(figures.used for figures in results) / len(results)
    refused = sum(figures.refused for figures in results) / len(results)
    return [f"{met} of {len(results)}", f"{used:.1%}", f"{refused:.2%}"]


def _measure(task: tuple[str, Case]) -> Figures:
    name, case = task
    return measure(case, VARIANTS[name]())
