"""Pairs of axes: the results for each combination of values, and which pair explains them best."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, compress
from math import inf, log
from operator import and_
from statistics import fmean, median

from batchrun.report.axis_bins import Axis
from batchrun.report.hypergeometric import log_tail_probability

__all__ = ["LEAST_RUNS", "Cell", "Facts", "Pair", "ranked_pairs", "ranked_singles", "without_twins"]

LEAST_RUNS = 5
"""A cell with fewer ended runs is shown, but proves nothing: one failure of two is not a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of each run, side by side with the axes' ``bin_of``."""

    ended: Sequence[bool]
    failed: Sequence[bool]
    ran_s: Sequence[float | None]
    """Seconds of work of runs that completed or failed."""
    cost: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The runs with one combination of values."""

    runs: int
    ended: int
    failed: int
    median_s: float | None
    """Median seconds of work, to a tenth; None while nothing is known."""
    cost: float | None
    """The sum, to four digits; None if no run's cost is known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Two axes and their cells, by the numbers of the bins of ``x`` and ``y``; combinations without runs are left out.

    ``y`` is None for a sweep of one axis: then all cells have the second number 0.
    """

    x: Axis
    y: Axis | None
    cells: dict[tuple[int, int], Cell]
    log_p: float
    """Of the cell that chance explains least: the natural logarithm of that chance times the number of cells looked at."""
    worst: tuple[int, int] | None
    """That cell; None if no cell has more failures than its share."""
    spread: float
    """The share of the variance of log durations that the cells explain, less what chance would explain."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def importance(self) -> tuple[float, float]:
        """Sorts the pair that explains most first: failures, and where they have no pattern, durations."""
        return (min(self.log_p, 0.0), -self.spread)


def ranked_singles(axes: Sequence[Axis], facts: Facts) -> list[Pair]:
    """Each axis that varies by itself, the one that explains most first."""
    return sorted((_pair(axis, None, facts) for axis in axes if len(axis.bins) > 1), key=lambda pair: pair.importance)


def ranked_pairs(axes: Sequence[Axis], facts: Facts) -> list[Pair]:
    """Every pair of the axes, the one that explains most first.

    Two fields that go together, such as a tile's id and its name, make no pair: each would only repeat the other.
    """
    pairs = [_pair(*_oriented(one, other), facts) for one, other in combinations(axes, 2)]
    return sorted((pair for pair in pairs if not _is_diagonal(pair)), key=lambda pair: pair.importance)


def without_twins(axes: Sequence[Axis]) -> list[Axis]:
    """The axes without those that vary together with an earlier one, as the fields of a record often do."""
    kept: list[Axis] = []
    for axis in axes:
        if not any(_is_twin(axis, other) for other in kept):
            kept.append(axis)
    return kept


def _is_twin(one: Axis, other: Axis) -> bool:
    size = len(one.values)
    if size != len(other.values):
        return False
    # Of runs with a point: those without one have a number of their own, beyond the last value.
    return sum(a < size for a, _ in {*zip(one.value_of, other.value_of, strict=True)}) <= size


def _oriented(one: Axis, other: Axis) -> tuple[Axis, Axis]:
    """The axis with fewer bins goes across, so that the picture is rather high than wide."""
    return (one, other) if len(one.bins) <= len(other.bins) else (other, one)


def _is_diagonal(pair: Pair) -> bool:
    return pair.y is not None and len(pair.cells) <= max(len(pair.x.bins), len(pair.y.bins))


def _pair(x: Axis, y: Axis | None, facts: Facts) -> Pair:
    """Counting goes by one number a run, ``x * height + y``: a sweep may have 28 pairs of a million runs."""
    height = len(y.bins) if y is not None else 1
    numbers = [a * height + b for a, b in zip(x.bin_of, y.bin_of, strict=True)] if y is not None else list(x.bin_of)
    has_point = [number < len(x.bins) for number in x.bin_of]
    runs = Counter(compress(numbers, has_point))
    ended = Counter(compress(numbers, map(and_, has_point, facts.ended)))
    failed = Counter(compress(numbers, map(and_, has_point, facts.failed)))
    times, costs = _gathered(numbers, has_point, facts.ran_s), _gathered(numbers, has_point, facts.cost)
    worst, log_p = _worst(ended, failed)
    cells = {
        divmod(number, height): Cell(
            runs=count,
            ended=ended[number],
            failed=failed[number],
            median_s=round(median(times[number]), 1) if number in times else None,
            cost=float(f"{sum(costs[number]):.4g}") if number in costs else None,
        )
        for number, count in sorted(runs.items())
    }
    where = divmod(worst, height) if worst is not None else None
    return Pair(x=x, y=y, cells=cells, log_p=log_p, worst=where, spread=_spread(list(times.values())))


def _gathered(
    numbers: Sequence[int], has_point: Sequence[bool], values: Sequence[float | None]
) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for number, known, value in zip(numbers, has_point, values, strict=True):
        if known and value is not None:
            found.setdefault(number, []).append(value)
    return found


def _worst(ended: Counter[int], failed: Counter[int]) -> tuple[int | None, float]:
    """The cell whose failures chance explains least, and the logarithm of that chance, corrected for all looks."""
    total, marked = ended.total(), failed.total()
    looks = [number for number, count in ended.items() if count >= LEAST_RUNS]
    best, best_p = None, inf
    for number in looks:
        k, draws = failed[number], ended[number]
        if k * total > marked * draws:  # more than its share
            log_p = log_tail_probability(k, draws=draws, marked=marked, total=total)
            if log_p < best_p:
                best, best_p = number, log_p
    # Bonferroni's correction, in logarithms.
    return best, (best_p + log(len(looks)) if best is not None else inf)


def _spread(groups: list[list[float]]) -> float:
    """Adjusted R² of a model that predicts each log duration by its cell's mean; 0 where nothing can be said."""
    # Logarithms: durations spread by factors, and one run of an hour among minutes would be all the variance there is.
    logs = [[log(max(value, 1e-3)) for value in group] for group in groups]
    count = sum(map(len, logs))
    if count <= len(logs) + 1 or len(logs) < 2:  # noqa: PLR2004 - one cell explains nothing
        return 0.0
    mean = fmean(value for group in logs for value in group)
    total = sum((value - mean) ** 2 for group in logs for value in group)
    if total <= 1e-9 * count:  # all equal but for rounding: there is nothing to explain
        return 0.0
    within = sum((value - center) ** 2 for group, center in _with_means(logs) for value in group)
    return max(0.0, 1 - (within / (count - len(logs))) / (total / (count - 1)))


def _with_means(groups: list[list[float]]) -> Iterator[tuple[list[float], float]]:
    for group in groups:
        yield group, fmean(group)
