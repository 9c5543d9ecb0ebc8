"""Points that includes add: whole ones, each an axis' own value or one that is added behind them."""

import math
from itertools import product
from typing import Any

from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.values import Kind, Value, canonical_value, kind_of, shown
from batchrun.wherobots.identity import canonical_json

__all__ = ["included"]


def included(tables: list[dict[str, Any]], axes: list[Axis], limit: int, problems: Problems) -> list[tuple[int, ...]]:
    """The points of every include, in file order. ``limit`` is how many there may be at most.

    Raises:
        ManifestError: the small grids multiply to more than ``limit``; told before any of them is made.

    """
    grown = [_Grown(axis) for axis in axes] if tables else []
    grids = [_grid(table, grown, f"include #{number}", problems) for number, table in enumerate(tables, 1)]
    total = sum(math.prod(len(choices) for choices in grid) for grid in grids)
    if total > limit:
        problems.fail("include", f"{total:,} points, over max_points = {limit:,}", "raise it in [submit]")
    points: dict[tuple[int, ...], None] = {}
    for number, grid in enumerate(grids, 1):
        for point in product(*grid):
            if point in points:
                problems.add(f"include #{number}", "it adds a point twice", "drop one")
            points[point] = None
    return list(points)


class _Grown:
    """An axis that includes add values to, and where each value stands."""

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self._known: dict[bytes, int] = {}
        for at, value in enumerate(axis.values):
            self._known.setdefault(_same(value), at)

    def position(self, value: Value) -> int:
        """Where the value stands; a new one is added."""
        at = self._known.get(_same(value))
        if at is None:
            at = self._known[_same(value)] = self.axis.add(value)
        return at


def _same(value: Value) -> bytes:
    """Equal for values that are one point: 1 and 1.0."""
    return canonical_json({"": canonical_value(value)})


def _grid(table: dict[str, Any], grown: list[_Grown], place: str, problems: Problems) -> list[list[int]]:
    names = [one.axis.name for one in grown]
    for name in table.keys() - set(names):
        problems.add(place, f"unknown axis '{name}'", did_you_mean(name, names))
    return [_choices(one, table, place, problems) for one in grown]


def _choices(grown: _Grown, table: dict[str, Any], place: str, problems: Problems) -> list[int]:
    name = grown.axis.name
    if name not in table:
        problems.add(place, f"no value for axis '{name}'")
        return []
    given = table[name]
    if given == []:
        problems.add(place, f"{name}: an empty list adds no point", "give one or more values")
    values = given if isinstance(given, list) else [given]
    return [grown.position(value) for value in values if _fits(grown.axis, value, place, problems)]


def _fits(axis: Axis, value: Any, place: str, problems: Problems) -> bool:
    if kind_of(value) is not axis.kind:
        problems.add(place, f"{axis.name}: {shown(value)} is no {axis.kind}", f"the axis holds {axis.kind}s")
        return False
    if axis.kind is Kind.RECORD and {name: kind_of(one) for name, one in value.items()} != axis.field_kinds:
        problems.add(place, f"{axis.name}: the fields are not {', '.join(axis.field_kinds)}", "give each of them")
        return False
    return True
