"""One axis from any of its sources: a list, a range, a zip, rows of a record, a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchrun.sweep.manifest.manifest import NAME, Manifest
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.points.files import PlanFile, file_rows
from batchrun.sweep.points.ranges import RangeError, range_values
from batchrun.sweep.values import Kind, Value, canonical_value, kind_of, shown

__all__ = ["Axis", "load_axes"]

RESERVED = {"sweep", "hash", "index", "count", "env"}


@dataclass(slots=True)
class Axis:
    """What varies: its values in order, all of one kind.

    ``values`` may grow behind ``size`` by what includes add; only the first ``size`` belong to the product. A range of whole
    numbers stays a range, so that ``max_points`` can refuse a long one before it is held.
    """

    name: str
    kind: Kind
    values: Sequence[Value]
    following: list[Value] | None = None
    """For a date range: the value one step later, for each value."""
    ahead: Callable[[Value], Value] | None = None
    """For a date range: one step after any date."""
    field_kinds: dict[str, Kind] = field(default_factory=dict)
    size: int = 0

    def __post_init__(self) -> None:
        self.size = len(self.values)

    def add(self, value: Value) -> int:
        """One more value behind the product's; its position."""
        held = self.values if isinstance(self.values, list) else list(self.values)
        held.append(value)
        self.values = held
        if self.following is not None and self.ahead is not None:
            self.following.append(self.ahead(value))
        return len(self.values) - 1


def load_axes(manifest: Manifest, problems: Problems) -> tuple[list[Axis], list[PlanFile]]:
    """Every axis of the manifest, in file order, and the files that were read."""
    axes: list[Axis] = []
    files: list[PlanFile] = []
    for name, source in manifest.tables.axes.items():
        place = f"axes.{name}"
        if not NAME.fullmatch(name):
            problems.add(place, f"'{name}' cannot be a name in {{{{…}}}}", "use letters, digits and _")
        elif name in RESERVED or name in manifest.tables.vars or name in manifest.tables.derive:
            problems.add(place, f"the name '{name}' is taken", "choose another")
        elif (axis := _axis(name, source, place, manifest, files, problems)) is not None:
            axes.append(axis)
    return axes, files


def _axis(
    name: str, source: Any, place: str, manifest: Manifest, files: list[PlanFile], problems: Problems
) -> Axis | None:
    match source:
        case list():
            return _listed(name, source, place, problems)
        case {"zip": dict() as columns} if len(source) == 1:
            return _zipped(name, columns, f"{place}.zip", problems)
        case {"file": str()}:
            rows = file_rows(source, place, manifest, files, problems)
            return None if rows is None else _listed(name, rows, place, problems)
        case {"from": _} | {"to": _}:
            return _ranged(name, source, place, problems)
        case _:
            fix = "give a list, { from, to }, a zip, rows, or { file }"
            problems.add(place, f"{shown(source)[:60]} is no axis source", fix)
            return None


def _ranged(name: str, source: dict[str, Any], place: str, problems: Problems) -> Axis | None:
    try:
        found = range_values(source)
    except RangeError as error:
        problems.add(place, error.fact, error.fix)
        return None
    kind = kind_of(found.values[0])
    return None if kind is None else Axis(name, kind, found.values, found.following, found.ahead)


def _zipped(name: str, columns: dict[str, Any], place: str, problems: Problems) -> Axis | None:
    if not columns or not all(isinstance(column, list) for column in columns.values()):
        problems.add(place, "a zip is a table of lists", "write column = [ … ] for each")
        return None
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{column} has {length}" for column, length in lengths.items())
        problems.add(place, f"columns differ in length: {said}")
        return None
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return _listed(name, rows, place, problems)


def _listed(name: str, values: list[Any], place: str, problems: Problems) -> Axis | None:
    if not values:
        problems.add(place, "it has no values", "give one or more")
        return None
    kinds = {kind: value for value in reversed(values) if (kind := kind_of(value)) is not None or True}
    if None in kinds:
        problems.add(
            place, f"{shown(kinds[None])[:60]} cannot be a value", "use strings, finite numbers, booleans, dates"
        )
        return None
    if len(kinds) > 1:
        said = " and ".join(f"{shown(value)} ({kind})" for kind, value in kinds.items())
        problems.add(place, f"values of more than one kind: {said}", "an axis holds one kind")
        return None
    kind = next(iter(kinds))
    axis = Axis(name, kind, list(values)) if kind is not None else None
    if axis is None or (kind is Kind.RECORD and not _fields_fit(axis, place, problems)):
        return None
    return axis if _all_differ(axis, place, problems) else None


def _fields_fit(axis: Axis, place: str, problems: Problems) -> bool:
    """Every row has the same fields, and each field holds one kind."""
    fields = list(axis.values[0])
    if not fields:
        problems.add(place, "a record without fields", "give each row one or more")
        return False
    for number, row in enumerate(axis.values, 1):
        if row.keys() != set(fields):
            fact = f"row {number} has the fields {', '.join(row)}, the first has {', '.join(fields)}"
            problems.add(place, fact, "give every row the same fields")
            return False
    for name in fields:
        kinds = {kind_of(row[name]) for row in axis.values}
        if not NAME.fullmatch(name) or name == "next":
            problems.add(place, f"'{name}' cannot be a field's name", "use letters, digits and _, and not 'next'")
        elif len(kinds) > 1 or kinds & {None, Kind.RECORD}:
            problems.add(f"{place}.{name}", "its values are not all of one simple kind", "use one kind a field")
        else:
            axis.field_kinds[name] = next(kind for kind in kinds if kind is not None)
    return len(axis.field_kinds) == len(fields)


def _all_differ(axis: Axis, place: str, problems: Problems) -> bool:
    seen: set[Any] = set()
    for value in axis.values:
        same = tuple(canonical_value(value).items()) if axis.kind is Kind.RECORD else canonical_value(value)
        if same in seen:
            problems.add(place, f"value {shown(value)} twice")
            return False
        seen.add(same)
    return True
