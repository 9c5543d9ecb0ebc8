"""The points that includes add. Each is a whole point, and may use values that the axes do not have."""

import math
from itertools import product
from typing import Any

from batchrun.sweep.manifest.problems import Cursor, Problems, did_you_mean
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.values import Kind, Value, as_toml, canonical_value, kind_of
from batchrun.wherobots.identity import canonical_json

__all__ = ["included"]


def included(tables: list[dict[str, Any]], axes: list[Axis], limit: int, problems: Problems) -> list[tuple[int, ...]]:
    """The points of every include, in file order; there may be ``limit`` of them.

    Values that an axis does not have are appended to it.

    Raises:
        ManifestError: the includes multiply to more than ``limit``; raised before any of the points is made.

    """
    indexed = [_IndexedAxis(axis) for axis in axes] if tables else []
    grids = [_grid(table, indexed, problems.rule("include", number)) for number, table in enumerate(tables, 1)]
    # Lists multiply: a few of them make millions of points, so they are counted before they are made.
    total = sum(math.prod(len(choices) for choices in grid) for grid in grids)
    if total > limit:
        fix = "raise --max-points" if "submit.max_points" in problems.flags else "raise it in [submit]"
        problems.at("include").fail(f"{total:,} points, over max_points = {limit:,}", fix)
    points: dict[tuple[int, ...], None] = {}
    for number, grid in enumerate(grids, 1):
        for point in product(*grid):
            if point in points:
                problems.rule("include", number).add("it adds the same point twice", "remove one")
            points[point] = None
    return list(points)


class _IndexedAxis:
    """An axis with the position of each of its values."""

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self._positions: dict[bytes, int] = {}
        for position, value in enumerate(axis.values):
            self._positions.setdefault(_identity(value), position)

    def position(self, value: Value) -> int:
        """The value's position; a new value is appended."""
        identity = _identity(value)
        if identity not in self._positions:
            self._positions[identity] = self.axis.append(value)
        return self._positions[identity]


def _identity(value: Value) -> bytes:
    """The same bytes for values that make the same point, such as 1 and 1.0."""
    return canonical_json({"": canonical_value(value)})


def _grid(table: dict[str, Any], indexed: list[_IndexedAxis], at: Cursor) -> list[list[int]]:
    names = [one.axis.name for one in indexed]
    for name in table:
        if name not in names:
            at.add(f"unknown axis '{name}'", did_you_mean(name, names, otherwise="the sweep has no axes"))
    return [_choices(one, table, at) for one in indexed]


def _choices(indexed: _IndexedAxis, table: dict[str, Any], at: Cursor) -> list[int]:
    """The positions that an include gives for an axis."""
    name = indexed.axis.name
    if name not in table:
        # No default: which of the axis' values an include should combine with is not for us to guess.
        at.add(f"no value for axis '{name}'")
        return []
    given = table[name]
    if given == []:
        at.add(f"{name}: an empty list adds no point", "list one or more values")
    values = given if isinstance(given, list) else [given]
    return [indexed.position(value) for value in values if _fits(indexed.axis, value, at)]


def _fits(axis: Axis, value: Any, at: Cursor) -> bool:
    if kind_of(value) is not axis.kind:
        at.add(f"{axis.name}: {as_toml(value)} is not a {axis.kind}", f"the axis holds {axis.kind.plural}")
        return False
    if axis.kind is Kind.RECORD and {name: kind_of(one) for name, one in value.items()} != axis.field_kinds:
        at.add(f"{axis.name}: the fields are not {', '.join(axis.field_kinds)}", "set each of them")
        return False
    return True
