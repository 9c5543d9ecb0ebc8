"""Scales: from values to levels of color, to positions and to ticks. All of them are monotone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, floor, log, log10

__all__ = ["LEVELS", "Range", "count_ticks", "range_of", "share_level", "time_label", "time_ticks"]

LEVELS = 10
"""Steps of a color scale, 0 to 9. More would be indistinguishable in neighboring cells."""
LOGARITHMIC_FROM = 8.0
"""From this ratio of the largest to the smallest value on, a linear scale would show most cells in one color."""
TOO_WIDE = 1e9
"""From this ratio on, the smallest value is a zero with rounding errors."""
LEAST_RATIO = 1.5
"""A scale spans at least this ratio, so that 100 s and 102 s do not look like opposites."""
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)


def share_level(share: float) -> int:
    """The level of a share from 0 to 1; only nothing at all has level 0."""
    return 0 if share <= 0 else min(LEVELS - 1, 1 + floor(share * (LEVELS - 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From the least to the greatest of some values; logarithmic where they differ much."""

    low: float
    high: float
    is_logarithmic: bool

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        if self.high <= self.low:
            return 0.0
        value = min(max(value, self.low), self.high)
        if self.is_logarithmic:
            return log(value / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def level(self, value: float) -> int:
        return min(LEVELS - 1, floor(self.share(value) * LEVELS))


def range_of(values: Iterable[float]) -> Range:
    """The range of some values that are not negative; from 0 to 1 if there are none."""
    known = sorted(values)
    if not known:
        return Range(low=0, high=1, is_logarithmic=False)
    low, high = known[0], max(known[-1], known[0] * LEAST_RATIO)
    return Range(low=low, high=high, is_logarithmic=LOGARITHMIC_FROM * low < high < TOO_WIDE * low)


def count_ticks(most: int, *, at_most: int = 4) -> tuple[int, ...]:
    """Round numbers from 0 up to ``most``, for an axis of counts."""
    if most <= 0:
        return (0,)
    rough = most / at_most
    magnitude = 10 ** floor(log10(rough)) if rough >= 1 else 1
    # 1, 2 and 5 times a power of ten: the steps that people count in.
    step = next(int(factor * magnitude) for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    return tuple(range(0, most + 1, step))


def time_ticks(begin_s: float, end_s: float, *, at_most: int = 8) -> tuple[float, ...]:
    """Round moments within the span, as epoch seconds."""
    rough = (end_s - begin_s) / at_most
    day_s = TIME_STEPS_S[-1]
    step = next((step for step in TIME_STEPS_S if step >= rough), day_s * ceil(rough / day_s))
    first = ceil(begin_s / step) * step
    return tuple(first + step * i for i in range(floor((end_s - first) / step) + 1)) if first <= end_s else ()


def time_label(at_s: float, *, before_s: float | None) -> str:
    """A tick's time in UTC; with the date where it is the first, or another day than the tick before."""
    moment = datetime.fromtimestamp(at_s, UTC)
    clock = moment.strftime("%H:%M" if at_s % 60 == 0 else "%H:%M:%S")
    same_day = before_s is not None and datetime.fromtimestamp(before_s, UTC).date() == moment.date()
    return clock if same_day else f"{moment:%b} {moment.day}, {clock}"
