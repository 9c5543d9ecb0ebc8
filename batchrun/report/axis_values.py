"""A row's axis values as text: ``region``, or ``site.id`` for a field of a record axis."""

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from batchrun.errors import UsageError
from batchrun.report.rows import RunRow

__all__ = ["MISSING", "axes_of", "axis_text", "axis_value", "checked_axes", "flat_point", "natural_key", "value_text"]

MISSING = "(none)"
"""What is shown for a row without a value: the ledger holds no point of it yet, or the sweep had other axes then."""
_DIGITS = re.compile(r"(\d+)")


def flat_point(point: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Axes with their values; a record axis gives one pair a field."""
    for axis, value in point.items():
        if isinstance(value, dict):
            yield from ((f"{axis}.{field}", inner) for field, inner in value.items())
        else:
            yield axis, value


def axis_value(point: dict[str, Any], axis: str) -> Any:  # noqa: ANN401 - a value of any JSON type
    """The value of ``region`` or ``site.id``; None where there is none."""
    if axis in point:
        return point[axis]
    name, _, field = axis.partition(".")
    record = point.get(name)
    return record.get(field) if isinstance(record, dict) else None


def axis_text(point: dict[str, Any], axis: str) -> str:
    value = axis_value(point, axis)
    return MISSING if value is None else value_text(value)


def value_text(value: Any) -> str:  # noqa: ANN401 - a value of any JSON type
    """Strings as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else json.dumps(value)  # a quarter of the time, for most axes


def axes_of(rows: Iterable[RunRow]) -> tuple[str, ...]:
    """Every axis and field that a row has, in order of appearance."""
    axes: dict[str, None] = {}
    shapes: set[tuple[str, ...]] = set()
    for row in rows:
        if (shape := tuple(row.point)) not in shapes:  # rows of one sweep share their axes
            shapes.add(shape)
            axes |= dict.fromkeys(axis for axis, _ in flat_point(row.point))
    return tuple(axes)


def checked_axes(wanted: Iterable[str], known: Iterable[str], *, place: str) -> tuple[str, ...]:
    """The axes that a person named.

    Raises:
        UsageError: the rows have no such axis; the message suggests one.

    """
    names = tuple(known)
    for axis in wanted:
        if axis in names:
            continue
        fields = [name for name in names if name.startswith(f"{axis}.")]
        if fields:
            raise UsageError(place, f"'{axis}' holds records", f"use a field: {' or '.join(fields[:3])}")
        close = get_close_matches(axis, names, 1)
        fix = f"did you mean '{close[0]}'?" if close else f"use one of {', '.join(names)}" if names else ""
        raise UsageError(place, f"unknown axis '{axis}'", fix or "the ledger holds no points yet")
    return tuple(dict.fromkeys(wanted))


def natural_key(text: str) -> tuple[tuple[int, float, str], ...]:
    """Sorts ``tile-9`` before ``tile-10``, and numbers by value."""
    try:
        return ((0, float(text), ""),)
    except ValueError:
        parts = _DIGITS.split(text)
        return tuple((1, float(part), "") if part.isdecimal() else (2, 0.0, part) for part in parts if part)
