"""The tables on the virtual clock: hidden limits, limits that change, and the same work by other clients."""

import math
import statistics
from collections.abc import Iterable
from itertools import product

from benchmarks.pacing.cases import OURS, Adaptation, Case, Figures, measure, measure_change
from benchmarks.pacing.clients import PEERS
from benchmarks.pacing.limiters import LIMITERS
from benchmarks.pacing.parallel import run_all
from benchmarks.pacing.tables import head, row
from benchmarks.pacing.thirty import is_met

__all__ = ["changes", "hidden", "learned", "peers", "untuned"]

TUNED_RATES, TUNED_SEEDS = (5.0, 20.0, 100.0, 500.0), (1, 2)
OTHER_RATES, OTHER_SEEDS = (8.0, 37.0, 160.0, 330.0), (101, 102, 103)
PEER_RATE_PER_S, PEER_WORK_S, PEER_PATIENCE_S = 50.0, 300.0, 3600.0
CHANGE_RATES, CHANGE_SEEDS = (20.0, 100.0, 250.0), (101, 102, 103)


def hidden() -> None:
    print("\n## Hidden limits, 15 minutes from a cold start, on the rates and seeds that it was tuned on\n")
    _used_and_refused(TUNED_RATES, TUNED_SEEDS)


def untuned() -> None:
    print("\n## The same on rates and seeds that it was not tuned on\n")
    _used_and_refused(OTHER_RATES, OTHER_SEEDS)


def learned() -> None:
    print("\n## The same, starting from the rate and window that an earlier session learned\n")
    _used_and_refused(OTHER_RATES, OTHER_SEEDS[:2], is_learned=True)


def changes() -> None:
    print("\n## A limit that changes after five minutes: seconds until 90 % of the new one, refusals in a minute\n")
    factors = {"halves": 0.5, "doubles": 2.0}
    keys = list(product(LIMITERS, (False, True)))
    columns = list(product(factors, CHANGE_RATES))
    cases = {
        (key, column): [
            Case(
                limiter=key[0],
                sends_retry_after=key[1],
                rate_per_s=column[1],
                seed=seed,
                seconds=600.0,
                change_at=300.0 + seed % 60,
                changed_per_s=column[1] * factors[column[0]],
            )
            for seed in CHANGE_SEEDS
        ]
        for key, column in product(keys, columns)
        if "burst 1" not in key[0]
    }
    results = run_all(measure_change, cases, longest_first=_rate_of)
    head(["limiter", "Retry-After", *(f"{rate:g}/s {what}" for what, rate in columns)])
    for name, sends in keys:
        if "burst 1" not in name:
            cells = [_adapted(results[((name, sends), column)]) for column in columns]
            row([name, "yes" if sends else "no", *cells])


def peers() -> None:
    print(f"\n## {PEER_WORK_S:g} s worth of work at {PEER_RATE_PER_S:g}/s: times the ideal time, and share refused\n")
    names = [OURS, *PEERS]
    keys = list(product(LIMITERS, (False, True)))
    cases = {
        (key, name): [
            Case(
                client=name,
                limiter=key[0],
                sends_retry_after=key[1],
                rate_per_s=PEER_RATE_PER_S,
                seed=seed,
                seconds=PEER_PATIENCE_S,
                work=PEER_RATE_PER_S * PEER_WORK_S,
            )
            for seed in OTHER_SEEDS
        ]
        for key, name in product(keys, names)
    }
    results = run_all(measure, cases, longest_first=_rate_of)
    head(["limiter", "Retry-After", *names])
    for name, sends in keys:
        row([name, "yes" if sends else "no", *(_finished(results[((name, sends), peer)]) for peer in names)])


def _used_and_refused(rates: Iterable[float], seeds: Iterable[int], *, is_learned: bool = False) -> None:
    keys = list(product(LIMITERS, (False, True)))
    cases = {
        (key, rate): [
            Case(limiter=key[0], sends_retry_after=key[1], rate_per_s=rate, seed=seed, is_learned=is_learned)
            for seed in seeds
        ]
        for key, rate in product(keys, rates)
    }
    results = run_all(measure, cases, longest_first=_rate_of)
    head(["limiter", "Retry-After", *(f"{rate:g}/s" for rate in rates)])
    for name, sends in keys:
        row([name, "yes" if sends else "no", *(_share(name, results[((name, sends), rate)]) for rate in rates)])
    met = [is_met(key[0], figures) for (key, _), all_of in results.items() for figures in all_of]
    warm = [is_met(key[0], figures, warm=True) for (key, _), all_of in results.items() for figures in all_of]
    print(f"\nAims met in {sum(met)} of {len(met)} runs, after the first two minutes in {sum(warm)}.")


def _rate_of(case: Case) -> float:
    return case.rate_per_s


def _share(limiter: str, results: list[Figures]) -> str:
    used = statistics.mean(figures.used for figures in results)
    refused = statistics.mean(figures.refused for figures in results)
    mark = "" if all(is_met(limiter, figures) for figures in results) else " ✗"
    return f"{used:.1%} / {refused:.2%}{mark}"


def _finished(results: list[Figures]) -> str:
    refused = statistics.mean(figures.refused for figures in results)
    if any(figures.accepted < PEER_WORK_S * PEER_RATE_PER_S for figures in results):
        done = statistics.mean(figures.accepted for figures in results) / (PEER_WORK_S * PEER_RATE_PER_S)
        return f"{done:.0%} done in an hour / {refused:.1%}"
    return f"{statistics.mean(figures.seconds for figures in results) / PEER_WORK_S:.2f} / {refused:.2%}"


def _adapted(results: list[Adaptation]) -> str:
    seconds = sorted(adaptation.seconds for adaptation in results)
    times = ", ".join("never" if math.isinf(second) else f"{second:.0f}" for second in seconds)
    return f"{times} s / {statistics.median(adaptation.refusals for adaptation in results):g}"
