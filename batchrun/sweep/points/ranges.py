"""Ranges in exact arithmetic: integers, decimals, logarithmic scales, dates; and what comes one step later."""

import math
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from batchrun.sweep.values import Kind, TypedFloat, Value, kind_of, shown

__all__ = ["MAX_VALUES", "RangeError", "RangeValues", "range_values"]

MAX_VALUES = 1_000_000
"""More values than this in one axis is a typing mistake."""
MAX_WHOLE_VALUES = 1_000_000_000
"""Whole numbers cost nothing before they are used, so that ``max_points`` refuses them with its own words."""

RANGE_KEYS = {"from", "to", "step", "count", "scale"}
UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MONTHS = {"month": 1, "year": 12}


class RangeError(ValueError):
    """A fact and a fix about a range that makes no sense."""

    def __init__(self, fact: str, fix: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.fix = fix


@dataclass(frozen=True, slots=True)
class RangeValues:
    """The values, and for a date range what ``next`` is of each of them."""

    values: Sequence[Value]
    following: list[Value] | None = None
    ahead: Callable[[Value], Value] | None = None
    """For a date range: one step after any date."""


def range_values(table: dict[str, Any]) -> RangeValues:
    """The values of ``{ from, to, step }`` or ``{ from, to, count }``.

    Raises:
        RangeError: it makes no sense.

    """
    _check_keys(table)
    kinds = {kind_of(table["from"]), kind_of(table["to"])}
    if kinds == {Kind.NUMBER}:
        return RangeValues(_numbers_in_reach(table))
    if kinds in ({Kind.DATE}, {Kind.DATETIME}, {Kind.LOCAL_DATETIME}):
        return _dates(table)
    if kinds == {Kind.DATETIME, Kind.LOCAL_DATETIME}:
        raise RangeError("from and to are not both with an offset, or both without", "add the offset")
    raise RangeError(f"from is {shown(table['from'])} and to is {shown(table['to'])}", "give two numbers, or two dates")


def _check_keys(table: dict[str, Any]) -> None:
    for end in ("from", "to"):
        if end not in table:
            raise RangeError(f"the range has no '{end}'", f"add {end} = …")
    if unknown := sorted(table.keys() - RANGE_KEYS):
        raise RangeError(f"unknown key '{unknown[0]}' in a range", "use from, to, step, count, scale")
    if "step" in table and "count" in table:
        raise RangeError("step and count together", "give one of them")


def _numbers_in_reach(table: dict[str, Any]) -> Sequence[Value]:
    try:
        return _numbers(table)
    except ArithmeticError:
        raise RangeError(
            "the numbers are beyond what can be counted with", "choose ends nearer to each other"
        ) from None


def _numbers(table: dict[str, Any]) -> Sequence[Value]:
    if "count" in table:
        return _counted(table)
    if "scale" in table:
        raise RangeError("scale without count", "add count = …")
    whole = isinstance(table["from"], int) and isinstance(table["to"], int)
    if "step" not in table and not whole:
        raise RangeError("a range of floats needs a step or a count", "add step = … or count = …")
    step = _step(table)
    if whole and isinstance(table.get("step", 1), int):
        return _whole(table["from"], table["to"], table.get("step", 1))
    first, last = _exact(table["from"]), _exact(table["to"])
    size = int((last - first) / step) + 1 if (last - first) / step >= 0 else 0
    _check_size(size)
    return [_computed(first + step * n) for n in range(size)]


def _whole(first: int, last: int, step: int) -> range:
    _check_size((last - first) // step + 1, MAX_WHOLE_VALUES)
    return range(first, last + (1 if step > 0 else -1), step)


def _step(table: dict[str, Any]) -> Decimal:
    step = table.get("step", 1)
    if kind_of(step) is not Kind.NUMBER or step == 0:
        raise RangeError(f"step is {shown(step)}", "give a number that is not 0")
    return _exact(step)


def _check_size(size: int, most: int = MAX_VALUES) -> None:
    if size <= 0:
        raise RangeError("the range is empty", "swap from and to, or change the sign of step")
    if size > most:
        raise RangeError(f"the range has {size:,} values", f"more than {most:,} is surely a mistake")


def _counted(table: dict[str, Any]) -> list[Value]:
    count, scale = table["count"], table.get("scale", "linear")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise RangeError(f"count is {shown(count)}", "give a whole number, 1 or more")
    _check_size(count)
    if scale == "log":
        return _logarithmic(float(table["from"]), float(table["to"]), count)
    if scale != "linear":
        raise RangeError(f"unknown scale {shown(scale)}", 'use "linear" or "log"')
    first, last = _exact(table["from"]), _exact(table["to"])
    if count == 1:
        return [_computed(first)]
    if first == last:
        raise RangeError("from and to are the same", "give count = 1, or two ends")
    return [_computed(first + (last - first) * n / (count - 1)) for n in range(count)]


def _logarithmic(first: float, last: float, count: int) -> list[Value]:
    if first <= 0 or last <= 0:
        raise RangeError("a log scale needs numbers above 0", "change from and to")
    if count == 1:
        return [_computed(_exact(first))]
    start, stop = math.log(first), math.log(last)
    inner = [math.exp(start + (stop - start) * n / (count - 1)) for n in range(1, count - 1)]
    return [_shortest(float(f"{value:.12g}")) for value in (first, *inner, last)]


def _exact(number: float) -> Decimal:
    return Decimal(number.text if isinstance(number, TypedFloat) else str(number))


def _computed(value: Decimal) -> TypedFloat:
    return _shortest(float(value))


def _shortest(value: float) -> TypedFloat:
    return TypedFloat.parse(repr(value))


def _dates(table: dict[str, Any]) -> RangeValues:
    if "count" in table or "scale" in table:
        raise RangeError("a date range has no count or scale", 'give step = "1 month" or the like')
    first, last = table["from"], table["to"]
    ahead = _stepper(first, table.get("step"))
    try:
        values = list(_until(ahead, first, last))
        following = [ahead(n + 1) for n in range(len(values))]
    except OverflowError:
        raise RangeError("the range leaves the calendar", "choose dates between the years 1 and 9999") from None
    _check_size(len(values))
    return RangeValues(values, following, lambda value: _stepper(value, table.get("step"))(1))


def _until(ahead: Callable[[int], Any], first: Any, last: Any) -> Iterator[Any]:
    value, n = first, 0
    while value <= last:
        _check_size(n + 1)
        yield value
        n += 1
        value = ahead(n)


def _stepper(first: Any, step: Any) -> Callable[[int], Any]:
    """The n-th date of a range; months and years count from the first, and clamp."""
    number, unit = _parsed_step(step)
    if unit in MONTHS:
        return lambda n: _months_later(first, n * number * MONTHS[unit])
    if unit in {"minute", "hour"} and not isinstance(first, datetime):
        raise RangeError(f"a step of {step!r} between dates", "give times as well, such as 2023-01-01T00:00:00")
    return lambda n: first + UNITS[unit] * number * n


def _parsed_step(step: Any) -> tuple[int, str]:
    fix = 'give a step such as "1 month": N minute, hour, day, week, month or year'
    if step is None:
        raise RangeError("a date range needs a step", fix)
    words = step.split() if isinstance(step, str) else []
    if len(words) != 2 or not words[0].isascii() or not words[0].isdigit() or int(words[0]) < 1:  # noqa: PLR2004
        raise RangeError(f"step is {shown(step)}", fix)
    unit = words[1].lower().removesuffix("s")
    if unit not in UNITS and unit not in MONTHS:
        raise RangeError(f"unknown unit '{words[1]}' in step", fix)
    return int(words[0]), unit


def _months_later(first: Any, months: int) -> Any:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    if year > date.max.year:
        raise OverflowError
    return first.replace(year=year, month=month + 1, day=min(first.day, monthrange(year, month + 1)[1]))
