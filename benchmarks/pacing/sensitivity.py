"""How much each tuned number matters: the thirty cases with half of it and with twice of it."""

import bisect
import random
from collections import deque
from contextlib import nullcontext
from dataclasses import replace
from itertools import product

from batchrun.engine.pacing.backoff import DEFAULT_BUDGET, RetryBudget
from batchrun.engine.pacing.fixed_rate import FixedRate
from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH
from benchmarks.pacing.ablation import summary
from benchmarks.pacing.cases import Case, Figures, learned_by, measure
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.numbers import Number, changed, numbers
from benchmarks.pacing.parallel import measure_all
from benchmarks.pacing.tables import head, row
from benchmarks.pacing.thirty import THIRTY

__all__ = ["vary"]

FACTORS = (0.5, 2.0)
FIXED_RATES, FIXED_S, LATE_S, STALL_S, STALLS_EVERY_S = (7.0, 50.0, 200.0, 1000.0), 60.0, 0.001, 0.15, 5.0
OUTAGE_S, OUTAGE_RATE_PER_S, RESPONSE_S = 60.0, 50.0, 0.1
SIMULATED = ("limit_search", "search_policy", "start", "narrowing", "rate_control", "quota_window", "concurrency_limit")
NOT_REACHED = {
    ("rate_control", "_MAX_DOUBLINGS"),  # guards against an overflow
    ("quota_window", "_MAX_STREAK_ENDS"),  # bounds memory
    ("quota_window", "_HORIZON_S"),  # windows of an hour
    ("limit_search", "longest_pause_s"),  # windows of an hour
    ("limit_search", "_MIN_RESET_S"),  # headers that announce a limit
}
"""Numbers that no case can show."""
COLD, LEARNED = "cold", "learned"
"""How a case is run: from a cold start, or from a learned rate."""
LEARNED_TOO = ("_LEARNED_REFUSALS", "_KNOWN_LIMIT_MARGINS")


def vary(names: list[str]) -> None:
    """A row for each number and factor, or for the numbers named."""
    chosen = [number for number in numbers() if not names or number.name in names]
    if fixed := [number for number in chosen if number.module == "fixed_rate"]:
        _fixed_rate(fixed)
    if budget := [number for number in chosen if number.policy == "BudgetPolicy"]:
        _retry_budget(budget)
    if searched := [number for number in chosen if number.module in SIMULATED]:
        _search(searched)


def _search(chosen: list[Number]) -> None:
    print(f"\n## Sensitivity: of {len(THIRTY)} cases, how many met their aims with half and with twice of a number\n")
    head(["module", "number", "value", "cases", "factor", "becomes", "cases met", "used, mean", "refused, mean"])
    for how in (COLD, LEARNED):
        row(["as is", "", "", how, "", "", *_thirty(None, 1.0, how)])
    for number, factor in product(chosen, FACTORS):
        if (number.module, number.name) not in NOT_REACHED:
            for how in _ways(number):
                cells = [
                    number.module,
                    number.name,
                    f"{number.value:g}",
                    how,
                    f"{factor:g}",
                    f"{number.times(factor):g}",
                ]
                row([*cells, *_thirty(number, factor, how)])


def _ways(number: Number) -> list[str]:
    return [COLD, LEARNED] if number.name in LEARNED_TOO else [COLD]


def _thirty(number: Number | None, factor: float, how: str) -> list[str]:
    return summary(measure_all(_measure, [(number, factor, how, case) for case in THIRTY]))


def _measure(task: tuple[Number | None, float, str, Case]) -> Figures:
    number, factor, how, case = task
    with changed(number, number.times(factor)) if number else nullcontext(DEFAULT_SEARCH) as policy:
        search = LimitSearch(policy, learned=learned_by(case) if how == LEARNED else None)
        return measure(case, SearchClient(search))


def _fixed_rate(chosen: list[Number]) -> None:
    """A minute at a fixed rate, with timers that are late by a millisecond on average, and stalls."""
    print(f"\n## A fixed rate with stalls of {STALL_S:g} s: how far the mean is off, and most starts in a second\n")
    head(["number", "factor", "becomes", *(f"{rate:g}/s" for rate in FIXED_RATES)])
    for number, factor in product(chosen, (1.0, *FACTORS)):
        with changed(number, number.times(factor)):
            cells = [_off_by(rate) for rate in FIXED_RATES]
        row([number.name, f"{factor:g}", f"{number.times(factor):g}", *cells])


def _off_by(rate_per_s: float) -> str:
    rate, draw, now, starts = FixedRate(rate_per_s), random.Random(1), 0.0, list[float]()
    stall_at = STALLS_EVERY_S
    while now < FIXED_S:
        due = rate.next_start(now)
        now = due + draw.expovariate(1.0 / LATE_S) if due > now else now
        if now >= stall_at:
            now, stall_at = now + STALL_S, stall_at + STALLS_EVERY_S
        rate.sent(now)
        starts.append(now)
    most = max(bisect.bisect_left(starts, at + 1.0) - number for number, at in enumerate(starts))
    return f"{(len(starts) - 1) / now / rate_per_s - 1.0:+.2%}, {most}"


def _retry_budget(chosen: list[Number]) -> None:
    print(
        f"\n## An outage of {OUTAGE_S:g} s at {OUTAGE_RATE_PER_S:g}/s: failed attempts, and seconds from its end to the first success\n"
    )
    head(["number", "factor", "becomes", "failed", "first success after"])
    for number, factor in product(chosen, (1.0, *FACTORS)):
        policy = replace(DEFAULT_BUDGET, **{number.name: number.times(factor)})
        failed, after_s = _outage(RetryBudget(policy))
        row([number.name, f"{factor:g}", f"{number.times(factor):g}", str(failed), f"{after_s:.1f} s"])


def _outage(budget: RetryBudget) -> tuple[int, float]:
    """How many requests failed, and when the first one after the outage succeeded."""
    in_flight, now, failed = deque[float](), 0.0, 0
    while now < OUTAGE_S:
        budget.sent(now)
        in_flight.append(now + RESPONSE_S)
        start = max(now + 1.0 / OUTAGE_RATE_PER_S, budget.next_start(now))
        while in_flight and in_flight[0] <= start:
            budget.failed(in_flight.popleft())
            failed += 1
            start = max(start, budget.next_start(start))
        now = start
    return failed + len(in_flight), now + RESPONSE_S - OUTAGE_S
