"""The axes of recorded points: their values in order, and ranges of values where there are too many to show one by one."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from batchrun.report.axis_values import MISSING, flat_point, natural_key, value_text

__all__ = ["MAX_BINS", "Axis", "Bin", "binned_axes"]

MAX_BINS = 20
"""More rows or columns than this cannot be taken in at a glance."""
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A value of an axis, or a range of neighboring values."""

    label: str
    first: int
    """The numbers of the first and the last value."""
    last: int

    @property
    def size(self) -> int:
        """How many values it holds."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """One axis, or one field of a record axis, over a list of runs."""

    name: str
    """``year``, or ``site.id`` for a field."""
    values: tuple[str, ...]
    """The text of each distinct value, in order; ``MISSING`` comes last."""
    bins: tuple[Bin, ...]
    """At most ``MAX_BINS``; together they cover each value once, in order."""
    value_of: Sequence[int] = field(repr=False)
    """For each run the number of its value; ``len(values)`` for a run without a recorded point."""
    bin_of: Sequence[int] = field(repr=False)
    """For each run the number of its bin; ``len(bins)`` for a run without a recorded point."""

    @property
    def is_binned(self) -> bool:
        return len(self.bins) < len(self.values)


def binned_axes(points: Sequence[dict[str, Any]], *, max_bins: int = MAX_BINS, most: int | None = None) -> list[Axis]:
    """The axes of the points in their order, with their values in order: numbers and dates by size, text as in the plan.

    Text that is binned is sorted, so that a range such as ``t001 … t250`` means something. With ``most``, axes beyond that
    number are left out.
    """
    columns: dict[str, _Column] = {}
    for row, point in enumerate(points):
        for name, value in flat_point(point):
            column = columns.get(name)
            if column is None:
                if most is not None and len(columns) >= most:
                    continue
                column = columns[name] = _Column(name)
            column.add(row, value)
    has_point = [bool(point) for point in points]
    return [column.axis(has_point, max_bins) for column in columns.values()]


@dataclass(slots=True)
class _Column:
    """Distinct values of one axis while the points are read; ``rows`` and ``ids`` run side by side."""

    name: str
    known: dict[Any, int] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def add(self, row: int, value: Any) -> None:  # noqa: ANN401 - whatever a ledger holds
        identity = value if type(value) is str else _identity(value)
        number = self.known.get(identity)
        if number is None:
            number = self.known[identity] = len(self.values)
            self.values.append(value)
        self.rows.append(row)
        self.ids.append(number)

    def axis(self, has_point: Sequence[bool], max_bins: int) -> Axis:
        order = _ordered(self.values, is_long=len(self.values) > max_bins)
        rank = {number: place for place, number in enumerate(order)}
        texts = [value_text(self.values[number]) for number in order]
        missing = len(self.rows) < sum(has_point)
        if missing:
            texts.append(MISSING)
        value_of = [len(order) if known else len(texts) for known in has_point]
        for row, number in zip(self.rows, self.ids, strict=True):
            value_of[row] = rank[number]
        bins = _bins(texts, missing=missing, max_bins=max_bins)
        bin_of_value = [place for place, one in enumerate(bins) for _ in range(one.size)] + [len(bins)]
        bin_of = [bin_of_value[value] for value in value_of]
        return Axis(name=self.name, values=tuple(texts), bins=bins, value_of=value_of, bin_of=bin_of)


def _identity(value: Any) -> object:  # noqa: ANN401 - any JSON value
    """What tells values apart: 1 and 1.0 are one number, true and 1 are not one value."""
    if isinstance(value, bool) or value is None:
        return (type(value), value)
    return value if isinstance(value, int | float) else (type(value), json.dumps(value, sort_keys=True))


def _ordered(values: Sequence[Any], *, is_long: bool) -> list[int]:
    """The numbers of the values in the order to show them; kinds are not mixed."""
    by_kind: dict[int, list[int]] = {}
    for number, value in enumerate(values):
        by_kind.setdefault(_kind(value), []).append(number)
    return [number for kind in sorted(by_kind) for number in _sorted(by_kind[kind], kind, values, is_long=is_long)]


_BOOLEAN, _NUMBER, _TEXT, _OTHER = range(4)


def _kind(value: Any) -> int:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int | float):
        return _NUMBER
    return _TEXT if isinstance(value, str) else _OTHER


def _sorted(numbers: list[int], kind: int, values: Sequence[Any], *, is_long: bool) -> list[int]:
    if kind in {_BOOLEAN, _NUMBER}:
        return sorted(numbers, key=lambda number: values[number])
    if kind == _OTHER:
        return sorted(numbers, key=lambda number: json.dumps(values[number], sort_keys=True))
    moments = {number: _moment(values[number]) for number in numbers}
    if all(moment is not None for moment in moments.values()):
        return sorted(numbers, key=lambda number: moments[number] or 0.0)
    return sorted(numbers, key=lambda number: natural_key(values[number])) if is_long else numbers


def _moment(text: str) -> float | None:
    """Epoch seconds of an ISO date or time, to sort by; None for other text."""
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    day = date(1970, 1, 1)  # timestamp() fails for years that the platform does not know
    seconds = (moment.date() - day).days * 86_400 + moment.hour * 3_600 + moment.minute * 60 + moment.second
    offset = moment.replace(tzinfo=moment.tzinfo or UTC).utcoffset()
    return seconds + moment.microsecond / 1e6 - (offset.total_seconds() if offset is not None else 0.0)


def _bins(texts: Sequence[str], *, missing: bool, max_bins: int) -> tuple[Bin, ...]:
    """Ranges that hold equally many values, give or take one; points without a value stay apart."""
    count = len(texts) - missing
    parts = min(count, max_bins - missing)
    edges = [round(part * count / parts) for part in range(parts + 1)] if parts else [0]
    bins = [
        Bin(label=_range_label(texts[first], texts[end - 1]), first=first, last=end - 1)
        for first, end in pairwise(edges)
    ]
    if missing:
        bins.append(Bin(label=MISSING, first=count, last=count))
    return tuple(bins)


def _range_label(first: str, last: str) -> str:
    """An empty text is shown as such: a label that cannot be seen looks like a mistake."""
    return first or '""' if first == last else f"{first} … {last}"
