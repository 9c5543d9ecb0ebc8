"""Print the tables: ``python -m benchmarks.pacing [hidden|untuned|learned|changes|peers|fixed|emulator|outage …]``.

Without a word, all that run on the virtual clock; each of these sets takes about a minute on two cores. ``fixed`` (2
minutes), ``emulator`` (9 minutes) and ``outage`` (90 s) need a real one.
"""

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import TypeVar

from benchmarks.pacing import real
from benchmarks.pacing.cases import OURS, Case, Figures, Following, follow, measure
from benchmarks.pacing.clients import PEERS
from benchmarks.pacing.limiters import LIMITERS
from benchmarks.pacing.tables import head, row

Key = TypeVar("Key")
Value = TypeVar("Value")

TUNED_RATES, TUNED_SEEDS = (5.0, 20.0, 100.0, 500.0), (1, 2)
OTHER_RATES, OTHER_SEEDS = (8.0, 37.0, 160.0, 330.0), (101, 102, 103)
AIM, BURST_AIM = (0.95, 0.01), (0.98, 0.005)
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
                tells_retry_after=key[1],
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
    results = _run(follow, cases)
    head(["limiter", "Retry-After", *(f"{rate:g}/s {what}" for what, rate in columns)])
    for name, tells in keys:
        if "burst 1" not in name:
            cells = [_followed(results[((name, tells), column)]) for column in columns]
            row([name, "yes" if tells else "no", *cells])


def peers() -> None:
    print(f"\n## {PEER_WORK_S:g} s worth of work at {PEER_RATE_PER_S:g}/s: times the ideal time, and share refused\n")
    names = [OURS, *PEERS]
    keys = list(product(LIMITERS, (False, True)))
    cases = {
        (key, name): [
            Case(
                client=name,
                limiter=key[0],
                tells_retry_after=key[1],
                rate_per_s=PEER_RATE_PER_S,
                seed=seed,
                seconds=PEER_PATIENCE_S,
                work=PEER_RATE_PER_S * PEER_WORK_S,
            )
            for seed in OTHER_SEEDS
        ]
        for key, name in product(keys, names)
    }
    results = _run(measure, cases)
    head(["limiter", "Retry-After", *names])
    for name, tells in keys:
        row([name, "yes" if tells else "no", *(_finished(results[((name, tells), peer)]) for peer in names)])


def _used_and_refused(rates: Iterable[float], seeds: Iterable[int], *, is_learned: bool = False) -> None:
    keys = list(product(LIMITERS, (False, True)))
    cases = {
        (key, rate): [
            Case(limiter=key[0], tells_retry_after=key[1], rate_per_s=rate, seed=seed, is_learned=is_learned)
            for seed in seeds
        ]
        for key, rate in product(keys, rates)
    }
    results = _run(measure, cases)
    head(["limiter", "Retry-After", *(f"{rate:g}/s" for rate in rates)])
    for name, tells in keys:
        row([name, "yes" if tells else "no", *(_share(name, results[((name, tells), rate)]) for rate in rates)])
    met = [_is_met(key[0], figures) for (key, _), all_of in results.items() for figures in all_of]
    warm = [_is_met(key[0], figures, warm=True) for (key, _), all_of in results.items() for figures in all_of]
    print(f"\nAims met in {sum(met)} of {len(met)} runs, after the first two minutes in {sum(warm)}.")


def _is_met(limiter: str, figures: Figures, *, warm: bool = False) -> bool:
    used, refused = BURST_AIM if limiter == "bucket, burst = rate" else AIM
    if warm:
        return figures.after_warmup_used >= used and figures.after_warmup_refused <= refused
    return figures.used >= used and figures.refused <= refused


def _share(limiter: str, results: list[Figures]) -> str:
    used = statistics.mean(figures.used for figures in results)
    refused = statistics.mean(figures.refused for figures in results)
    mark = "" if all(_is_met(limiter, figures) for figures in results) else " ✗"
    return f"{used:.1%} / {refused:.2%}{mark}"


def _finished(results: list[Figures]) -> str:
    refused = statistics.mean(figures.refused for figures in results)
    if any(figures.accepted < PEER_WORK_S * PEER_RATE_PER_S for figures in results):
        done = statistics.mean(figures.accepted for figures in results) / (PEER_WORK_S * PEER_RATE_PER_S)
        return f"{done:.0%} done in an hour / {refused:.1%}"
    return f"{statistics.mean(figures.seconds for figures in results) / PEER_WORK_S:.2f} / {refused:.2%}"


def _followed(results: list[Following]) -> str:
    seconds = sorted(following.seconds for following in results)
    times = ", ".join("never" if math.isinf(second) else f"{second:.0f}" for second in seconds)
    return f"{times} s / {statistics.median(following.refusals for following in results):g}"


def _run(work: Callable[[Case], Value], cases: dict[Key, list[Case]]) -> dict[Key, list[Value]]:
    """Everything at once on all cores, the long ones first."""
    flat = sorted(((key, case) for key, group in cases.items() for case in group), key=lambda item: -item[1].rate_per_s)
    results: dict[Key, list[Value]] = {key: [] for key in cases}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (key, _), value in zip(flat, pool.map(work, [case for _, case in flat], chunksize=2), strict=True):
            results[key].append(value)
    return results


SETS: dict[str, Callable[[], None]] = {
    "hidden": hidden,
    "untuned": untuned,
    "learned": learned,
    "changes": changes,
    "peers": peers,
}
REAL: dict[str, Callable[[], None]] = {"fixed": real.fixed, "emulator": real.over_sockets, "outage": real.outage}


def main(words: list[str]) -> None:
    for word in words or list(SETS):
        began = time.perf_counter()
        (SETS | REAL)[word]()
        print(f"\n({word}: {time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
