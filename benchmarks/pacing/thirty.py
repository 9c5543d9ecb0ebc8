"""The thirty cases of the ablation and of the sensitivity runs, and whether a result meets their aims.

Five limiters, each with and without ``Retry-After``, at three rates, one seed: 15 minutes from a cold start. The bucket
without a burst is left out, since no even sending can satisfy it under jitter.
"""

from itertools import product

from benchmarks.pacing.cases import Case, Figures
from benchmarks.pacing.limiters import LIMITERS

__all__ = ["AIM", "BURST_AIM", "THIRTY", "is_met"]

AIM, BURST_AIM = (0.95, 0.01), (0.98, 0.005)
"""The share of the limit used, at least, and the share of requests refused, at most."""

RATES, SEED = (8.0, 37.0, 80.0), 101

THIRTY = [
    Case(limiter=limiter, sends_retry_after=sends, rate_per_s=rate, seed=SEED)
    for rate, limiter, sends in product(reversed(RATES), LIMITERS, (False, True))
    if limiter != "bucket, burst 1"
]


def is_met(limiter: str, figures: Figures, *, warm: bool = False) -> bool:
    used, refused = BURST_AIM if limiter == "bucket, burst = rate" else AIM
    if warm:
        return figures.after_warmup_used >= used and figures.after_warmup_refused <= refused
    return figures.used >= used and figures.refused <= refused
