"""The figures of a timed batch: percentiles and a histogram. Pure."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["PERCENTILES", "Bin", "Figures", "Latency", "histogram"]

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
EDGES = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Bounds of a histogram's bins within a power of ten: roughly equal ratios, in round numbers."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies in seconds. Percentiles use the nearest rank, so each is a measured value."""

    count: int
    mean_s: float
    percentiles_s: tuple[float, ...]
    """One value for each of ``PERCENTILES``."""
    max_s: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Latency | None":
        """The summary of any number of latencies; None if there are none."""
        ordered = sorted(seconds)
        if not ordered:
            return None
        # Nearest rank is ceil(percent / 100 * n), in integers: as floats, 99.9 % of 1,000 is a rank too high.
        ranks = (-(-round(percent * 10) * len(ordered) // 1000) for percent in PERCENTILES)
        return cls(
            count=len(ordered),
            mean_s=math.fsum(ordered) / len(ordered),
            percentiles_s=tuple(ordered[rank - 1] for rank in ranks),
            max_s=ordered[-1],
        )

    def json(self) -> dict[str, Any]:
        """In milliseconds."""
        named = {f"p{percent:g}": _ms(value) for percent, value in zip(PERCENTILES, self.percentiles_s, strict=True)}
        return {"count": self.count, "mean": _ms(self.mean_s), **named, "max": _ms(self.max_s)}


@dataclass(frozen=True, slots=True)
class Bin:
    """The number of latencies in ``[low_s, high_s)``."""

    low_s: float
    high_s: float
    count: int

    def json(self) -> dict[str, Any]:
        return {"from_ms": _ms(self.low_s), "to_ms": _ms(self.high_s), "runs": self.count}


def histogram(seconds: Sequence[float]) -> tuple[Bin, ...]:
    """Bins of growing width from the least latency to the greatest, including the empty ones in between."""
    if not seconds:
        return ()
    bounds = list(_bounds(max(min(seconds), 1e-6), max(seconds)))
    counts = [0] * (len(bounds) - 1)
    for value in seconds:
        counts[max(bisect_right(bounds, value) - 1, 0)] += 1  # zero is below every bound; it goes in the first bin
    return tuple(Bin(low, high, n) for low, high, n in zip(bounds, bounds[1:], counts, strict=False))


def _bounds(least: float, greatest: float) -> Iterable[float]:
    """Every bound from the last one not above ``least`` to the first one above ``greatest``."""
    power = math.floor(math.log10(least)) - 1
    # From text, since 1.5 * 10.0**-5 is not the float 1.5e-05. Twenty powers of ten are more than any latency spans.
    every = [float(f"{edge}e{number}") for number in range(power, power + 20) for edge in EDGES]
    first = max(at for at, bound in enumerate(every) if bound <= least)
    last = next(at for at, bound in enumerate(every) if bound > greatest)
    return every[first : last + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A timed batch; times in seconds, memory in bytes."""

    runs: int
    submitted: int
    attempts: int
    retries: int
    settled: int
    refused: dict[str, int]
    """Attempts refused temporarily, by error code or HTTP status."""
    limit_per_s: float | None
    """The rate limit that pacing found, if it searched for one and reached it."""
    plan_s: float
    """Time spent planning, which is not part of ``submit_s``."""
    submit_s: float
    """From the first request to the last line of the ledger."""
    cpu_s: float
    """CPU time of this process while submitting, all threads."""
    peak_bytes: int
    run: Latency | None
    """From a run's scheduled start, or from its first attempt, until it was known to exist."""
    response: Latency | None
    """From sending a request to its response."""
    bins: tuple[Bin, ...]
    """The histogram of the latencies that ``run`` summarizes."""

    @property
    def runs_per_s(self) -> float:
        return self.submitted / self.submit_s if self.submit_s > 0 else 0.0

    @property
    def cpu_per_run_s(self) -> float:
        return self.cpu_s / self.submitted if self.submitted else 0.0

    def json(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "submitted": self.submitted,
            "attempts": self.attempts,
            "retries": self.retries,
            "settled": self.settled,
            "refused": self.refused,
            "limit_per_s": None if self.limit_per_s is None else round(self.limit_per_s, 3),
            "plan_s": round(self.plan_s, 6),
            "submit_s": round(self.submit_s, 6),
            "runs_per_s": round(self.runs_per_s, 3),
            "cpu_us_per_run": round(self.cpu_per_run_s * 1e6, 3),
            "peak_memory_mb": round(self.peak_bytes / 1e6, 1),
            "run_latency_ms": None if self.run is None else self.run.json(),
            "answer_latency_ms": None if self.response is None else self.response.json(),
            "histogram": [one.json() for one in self.bins],
        }


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 4)
