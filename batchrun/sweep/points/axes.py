"""One axis from any of its sources: a list, a range, a zip, rows of a record, a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchrun.sweep.manifest.manifest import NAME, Manifest
from batchrun.sweep.manifest.problems import Cursor, Problems
from batchrun.sweep.points.files import PlanFile, read_rows
from batchrun.sweep.points.ranges import RangeError, range_values
from batchrun.sweep.values import Kind, Value, as_toml, canonical_value, kind_of, shown

__all__ = ["Axis", "load_axes"]

# Names that placeholders have for the sweep itself.
RESERVED = {"sweep", "hash", "index", "count", "env"}


@dataclass(slots=True)
class Axis:
    """What varies: values in order, all of one kind.

    Includes append to ``values``; only the first ``size`` belong to the product. A range of integers stays a ``range``, so
    that ``max_points`` can refuse a long one before it takes any memory.
    """

    name: str
    kind: Kind
    values: Sequence[Value]
    next_values: list[Value] | None = None
    """For a date range: the value one step later, for each value."""
    successor: Callable[[Value], Value] | None = None
    """For a date range: one step after any date."""
    field_kinds: dict[str, Kind] = field(default_factory=dict)
    file: PlanFile | None = None
    """The data file that the values come from."""
    size: int = 0

    def __post_init__(self) -> None:
        self.size = len(self.values)

    def append(self, value: Value) -> int:
        """Add a value that is not in the product; returns its position."""
        values = self.values if isinstance(self.values, list) else list(self.values)
        values.append(value)
        self.values = values
        if self.next_values is not None and self.successor is not None:
            self.next_values.append(self.successor(value))
        return len(self.values) - 1


def load_axes(manifest: Manifest, problems: Problems) -> list[Axis]:
    """Every axis of the manifest, in file order."""
    axes: list[Axis] = []
    tables = manifest.tables
    for name, source in tables.axes.items():
        at = problems.at("axes").child(name)
        if not NAME.fullmatch(name):
            at.add(f"'{name}' cannot be used in {{{{…}}}}", "use letters, digits and _")
        elif name in RESERVED or name in tables.vars or name in tables.derive:
            at.add(f"the name '{name}' is taken", "choose another name")
        elif (axis := _load(name, source, manifest, at)) is not None:
            axes.append(axis)
    return axes


def _load(name: str, source: Any, manifest: Manifest, at: Cursor) -> Axis | None:
    match source:
        case list():
            return _from_list(name, source, at)
        case {"zip": dict() as columns} if len(source) == 1:
            return _from_zip(name, columns, at.child("zip"))
        case {"file": str()}:
            data = read_rows(source, manifest, at)
            return None if data is None else _from_list(name, data.rows, at, data.file)
        case {"from": _} | {"to": _}:
            return _from_range(name, source, at)
        case _:
            fact = f"{shown(source)} is not an axis source"
            at.add(fact, "use a list, { from, to }, a zip, rows, or { file }")
            return None


def _from_range(name: str, source: dict[str, Any], at: Cursor) -> Axis | None:
    try:
        found = range_values(source)
    except RangeError as error:
        at.add(error.fact, error.fix)
        return None
    kind = kind_of(found.values[0])
    return None if kind is None else Axis(name, kind, found.values, found.next_values, found.successor)


def _from_zip(name: str, columns: dict[str, Any], at: Cursor) -> Axis | None:
    if not columns or not all(isinstance(column, list) for column in columns.values()):
        at.add("a zip is a table of lists", "write column = [ … ] for each")
        return None
    lengths = {column: len(values) for column, values in columns.items()}
    # GNU parallel truncates linked lists to the shortest without a word.
    if len(set(lengths.values())) > 1:
        facts = ", ".join(f"{column} has {length}" for column, length in lengths.items())
        at.add(f"columns differ in length: {facts}")
        return None
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return _from_list(name, rows, at)


def _from_list(name: str, values: list[Any], at: Cursor, file: PlanFile | None = None) -> Axis | None:
    if (kind := _common_kind(values, at)) is None:
        return None
    axis = Axis(name, kind, list(values), file=file)
    if kind is Kind.RECORD and not _has_uniform_fields(axis, at):
        return None
    return axis if _is_distinct(axis, at) else None


def _common_kind(values: list[Any], at: Cursor) -> Kind | None:
    """The one kind of all values, or None with a problem."""
    if not values:
        at.add("it has no values", "list one or more")
        return None
    kinds = {kind_of(value): value for value in reversed(values)}  # each with its first value
    if None in kinds:
        fact = f"{shown(kinds[None])} cannot be a value"
        at.add(fact, "use strings, finite numbers, booleans or dates")
        return None
    if len(kinds) > 1:
        examples = " and ".join(f"{as_toml(value)} ({kind})" for kind, value in kinds.items())
        at.add(f"values of more than one kind: {examples}", "use values of one kind")
        return None
    return next(iter(kinds))


def _has_uniform_fields(axis: Axis, at: Cursor) -> bool:
    """Whether every row has the same fields, and each field holds one kind; fills ``field_kinds``."""
    fields = list(axis.values[0])
    if not fields:
        at.add("a record without fields", "use one or more fields in each row")
        return False
    for number, row in enumerate(axis.values, 1):
        if row.keys() != set(fields):
            fact = f"row {number} has the fields {', '.join(row)}, but the first row has {', '.join(fields)}"
            at.add(fact, "give every row the same fields")
            return False
    for name in fields:
        kinds = {kind_of(row[name]) for row in axis.values}
        # {{axis.next}} is the next value of a date range.
        if not NAME.fullmatch(name) or name == "next":
            at.add(f"'{name}' cannot be a field name", "use letters, digits and _, but not 'next'")
        elif len(kinds) > 1 or kinds & {None, Kind.RECORD}:
            at.child(name).add("its values are not all of one simple kind", "use one kind per field")
        else:
            axis.field_kinds[name] = next(kind for kind in kinds if kind is not None)
    return len(axis.field_kinds) == len(fields)


def _is_distinct(axis: Axis, at: Cursor) -> bool:
    """Whether no value is there twice: each would make the same runs again."""
    seen: set[Any] = set()
    for value in axis.values:
        canonical = canonical_value(value)
        identity = tuple(canonical.items()) if axis.kind is Kind.RECORD else canonical
        if identity in seen:
            at.add(f"the value {as_toml(value)} appears twice")
            return False
        seen.add(identity)
    return True
