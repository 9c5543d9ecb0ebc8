"""Axis values that occur among some runs far more often than chance explains."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from batchrun.report.axis_values import flat_point, value_text
from batchrun.report.hypergeometric import tail_probability
from batchrun.report.rows import RunRow
from batchrun.report.wording import percent

__all__ = ["Overrepresented", "PointIndex"]

MOST = 3
"""Values reported for one failure: what explains the first hundred runs matters, the fourth value rarely does."""
SIGNIFICANT = 0.001
"""Chance of seeing such a value anywhere by accident, over all values tried: one report in a thousand misleads."""
LEAST = 3
"""Fewer runs than this prove nothing to a person, whatever the arithmetic says."""
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrepresented:
    """An axis value, and how its runs fared compared with all others. Counts are of runs that ended."""

    axis: str
    value: str
    failed: int
    of: int
    failed_elsewhere: int
    of_elsewhere: int
    p: float
    """Chance of at least ``failed`` of them among ``of`` runs drawn at random, before the correction for many values."""

    def describe(self) -> str:
        """``region=us: 12 of 12 failed; elsewhere <1 %``."""
        return f"{self.axis}={self.value}: {self.failed:,} of {self.of:,} failed; elsewhere {self._elsewhere()}"

    def _elsewhere(self) -> str:
        if not self.of_elsewhere:
            return "no runs"
        if not self.failed_elsewhere:
            return "none"
        return percent(self.failed_elsewhere / self.of_elsewhere).replace("\N{NO-BREAK SPACE}", " ")

    def json(self) -> dict[str, Any]:
        return {
            "axis": self.axis,
            "value": self.value,
            "failed": self.failed,
            "of": self.of,
            "failed_elsewhere": self.failed_elsewhere,
            "of_elsewhere": self.of_elsewhere,
            "p": self.p,
        }


class PointIndex:
    """The axis values of some rows, to compare parts of them with the whole."""

    def __init__(self, rows: Iterable[RunRow]) -> None:
        self._pairs = {row.key: _pairs(row) for row in rows}
        self._total = Counter(pair for pairs in self._pairs.values() for pair in pairs)

    def overrepresented(self, part: Iterable[RunRow], *, most: int = MOST) -> tuple[Overrepresented, ...]:
        """The values over-represented in ``part``, the most telling first.

        Each further value is looked for among the runs that no earlier value covers: otherwise every field of one record,
        and every axis that varies with it, would be reported for the same runs.
        """
        rest = dict.fromkeys(row.key for row in part if row.key in self._pairs)  # in order: of equals, the first wins
        failed = Counter(pair for key in rest for pair in self._pairs[key])
        everything, found, covered = (len(self._pairs), len(rest)), list[Overrepresented](), set[Pair]()
        # Bonferroni's correction: each value is another chance to find a pattern in noise.
        threshold = SIGNIFICANT / max(len(self._total), 1)
        left = _Left(self._total.copy(), failed.copy(), *everything)
        while len(found) < most and (best := left.best(threshold)) is not None:
            found.append(_describe(best[0], best[1], failed=failed, total=self._total, everything=everything))
            covered.add(best[0])
            left = self._without(best[0], left, rest, covered)
        return tuple(found)

    def _without(self, pair: Pair, left: "_Left", failed: Container[str], covered: set[Pair]) -> "_Left":
        """What is left when the rows with this pair are taken out, unless an earlier pair took them out already."""
        earlier = covered - {pair}
        for key, pairs in self._pairs.items():
            if pair in pairs and not earlier.intersection(pairs):
                left.take(pairs, is_failed=key in failed)
        return left


@dataclass(slots=True)
class _Left:
    """Counts by pair among the rows that no reported value covers."""

    total: Counter[Pair]
    failed: Counter[Pair]
    rows: int
    failed_rows: int

    def take(self, pairs: tuple[Pair, ...], *, is_failed: bool) -> None:
        self.total.subtract(pairs)
        self.rows -= 1
        if is_failed:
            self.failed.subtract(pairs)
            self.failed_rows -= 1

    def best(self, threshold: float) -> tuple[Pair, float] | None:
        """The pair that chance explains least, if it is below the threshold."""
        best: tuple[Pair, float, float] | None = None
        for pair, k in self.failed.items():
            n = self.total[pair]
            if k < LEAST or k * self.rows <= self.failed_rows * n:  # not more frequent here than among all
                continue
            p = tail_probability(k, draws=n, marked=self.failed_rows, total=self.rows)
            if p < threshold and (best is None or (p, -k / n) < best[1:]):
                best = pair, p, -k / n
        return None if best is None else best[:2]


def _pairs(row: RunRow) -> tuple[Pair, ...]:
    return tuple((axis, value_text(value)) for axis, value in flat_point(row.point))


def _describe(
    pair: Pair, p: float, *, failed: Counter[Pair], total: Counter[Pair], everything: tuple[int, int]
) -> Overrepresented:
    rows, failed_rows = everything
    return Overrepresented(
        axis=pair[0],
        value=pair[1],
        failed=failed[pair],
        of=total[pair],
        failed_elsewhere=failed_rows - failed[pair],
        of_elsewhere=rows - total[pair],
        p=p,
    )
