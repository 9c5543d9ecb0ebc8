"""How long runs waited and ran, as quantiles by axis value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchrun.report.axis_bins import Axis

__all__ = ["Quantiles", "ValueSpans", "quantiles", "spans_by_value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Of some durations in seconds; ``count`` of them."""

    count: int
    p5: float
    p25: float
    median: float
    p75: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSpans:
    """The runs with one value of an axis, or with a range of values."""

    label: str
    runs: int
    waited: Quantiles | None
    """None while no run is known to have started."""
    ran: Quantiles | None
    """None while no run is known to have ended."""


def quantiles(values: Iterable[float]) -> Quantiles | None:
    """The quantiles, interpolated linearly between neighbors as numpy's default does; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    p5, p25, half, p75, p95 = (_quantile(ordered, share) for share in (0.05, 0.25, 0.5, 0.75, 0.95))
    return Quantiles(count=len(ordered), p5=p5, p25=p25, median=half, p75=p75, p95=p95)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spans_by_value(
    axis: "Axis", waited_s: Sequence[float | None], ran_s: Sequence[float | None]
) -> tuple[ValueSpans, ...]:
    """One entry for each bin of the axis, in its order; the sequences run side by side with ``axis.bin_of``."""
    width = len(axis.bins) + 1  # the last one is of runs without a point
    runs = [0] * width
    waited: list[list[float]] = [[] for _ in range(width)]
    ran: list[list[float]] = [[] for _ in range(width)]
    for number, wait, work in zip(axis.bin_of, waited_s, ran_s, strict=True):
        runs[number] += 1
        if wait is not None:
            waited[number].append(wait)
        if work is not None:
            ran[number].append(work)
    return tuple(
        ValueSpans(label=one.label, runs=runs[i], waited=quantiles(waited[i]), ran=quantiles(ran[i]))
        for i, one in enumerate(axis.bins)
    )
