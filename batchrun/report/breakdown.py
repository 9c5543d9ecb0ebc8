"""Runs counted by the values of one or more axes. Pure: rows in, counts out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from batchrun.report.axis_values import axis_text, natural_key
from batchrun.report.rows import RunRow
from batchrun.report.run_label import RunGroup, group_of, label_of

__all__ = ["Breakdown", "Counts", "breakdown", "counts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many runs there are, by label (``COMPLETED``, ``rejected``, …) and by group; only what there is."""

    total: int
    labels: dict[str, int]
    groups: dict[RunGroup, int]

    @property
    def ended(self) -> int:
        return sum(count for group, count in self.groups.items() if group.has_ended)

    @property
    def failed(self) -> int:
        return self.groups.get(RunGroup.FAILED, 0)

    @property
    def failed_share(self) -> float | None:
        """The share of the ended runs that failed; None while none ended."""
        return self.failed / self.ended if self.ended else None

    def json(self) -> dict[str, Any]:
        return {"runs": self.total, "labels": self.labels, "groups": {g.value: n for g, n in self.groups.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Counts by combination of values. Values are text, in natural order; combinations without runs are left out."""

    axes: tuple[str, ...]
    cells: dict[tuple[str, ...], Counts]
    total: Counts

    def values(self, axis: int = 0) -> tuple[str, ...]:
        """The values of the axis at this position, each once, in natural order."""
        return tuple(sorted({values[axis] for values in self.cells}, key=natural_key))

    def reversed(self) -> "Breakdown":
        """The same with its axes the other way round."""
        order = sorted(self.cells, key=lambda values: tuple(map(natural_key, values[::-1])))
        cells = {values[::-1]: self.cells[values] for values in order}
        return Breakdown(axes=self.axes[::-1], cells=cells, total=self.total)

    def json(self) -> dict[str, Any]:
        cells = [{"values": dict(zip(self.axes, values, strict=True))} | c.json() for values, c in self.cells.items()]
        return {"axes": list(self.axes), "total": self.total.json(), "cells": cells}


def counts_of(rows: Iterable[RunRow]) -> Counts:
    """The counts of some rows."""
    return _counts(Counter((row.outcome, row.status) for row in rows))


def breakdown(rows: Iterable[RunRow], axes: Sequence[str]) -> Breakdown:
    """Count rows by the values of ``axes``, each an axis (``region``) or a field of a record axis (``site.id``)."""
    found: dict[tuple[str, ...], Counter[Any]] = {}
    for row in rows:
        values = tuple(axis_text(row.point, axis) for axis in axes)
        # Counted by what a row holds, and labelled once for each of them: a million rows have a handful.
        found.setdefault(values, Counter())[row.outcome, row.status] += 1
    ordered = sorted(found, key=lambda values: tuple(map(natural_key, values)))
    total = Counter[Any]()
    for counter in found.values():
        total.update(counter)
    return Breakdown(axes=tuple(axes), cells={v: _counts(found[v]) for v in ordered}, total=_counts(total))


def _counts(counter: Counter[Any]) -> Counts:
    labels, groups = Counter[str](), Counter[RunGroup]()
    for (outcome, status), count in counter.items():
        labels[label_of(outcome, status)] += count
        groups[group_of(outcome, status)] += count
    return Counts(total=counter.total(), labels=dict(labels), groups=dict(groups))
