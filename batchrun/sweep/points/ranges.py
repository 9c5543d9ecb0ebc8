"""Ranges in exact arithmetic: integers, decimals, logarithmic scales and dates, with the value one step later.

Floats are stepped as decimals. In binary, three steps of 0.1 give 0.30000000000000004, which would end up in run names
and arguments, and a range would include its end or miss it by chance.
"""

import math
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from batchrun.sweep.values import Kind, TypedFloat, Value, as_toml, kind_of

__all__ = ["MAX_VALUES", "RangeError", "RangeValues", "range_values"]

# Both bounds are far above the default max_points; they keep a typing mistake from filling the memory.
MAX_VALUES = 1_000_000
"""More values in one axis are taken for a typing mistake."""
MAX_INTEGERS = 1_000_000_000
"""The bound for integers, which stay a ``range`` and cost nothing: below it ``max_points`` refuses with its breakdown."""

RANGE_KEYS = {"from", "to", "step", "count", "scale"}
UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MONTHS = {"month": 1, "year": 12}


class RangeError(ValueError):
    """A range that cannot be used, as a fact and a fix."""

    def __init__(self, fact: str, fix: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.fix = fix


@dataclass(frozen=True, slots=True)
class RangeValues:
    """The values of a range; for a date range, also the value of ``next`` for each of them."""

    values: Sequence[Value]
    next_values: list[Value] | None = None
    successor: Callable[[Value], Value] | None = None
    """For a date range: one step after any date."""


def range_values(table: dict[str, Any]) -> RangeValues:
    """The values of ``{ from, to, step }`` or ``{ from, to, count }``.

    Raises:
        RangeError: the range cannot be used.

    """
    _check_keys(table)
    kinds = {kind_of(table["from"]), kind_of(table["to"])}
    if kinds == {Kind.NUMBER}:
        return RangeValues(_numbers(table))
    if kinds in ({Kind.DATE}, {Kind.DATETIME}, {Kind.LOCAL_DATETIME}):
        return _dates(table)
    if kinds == {Kind.DATETIME, Kind.LOCAL_DATETIME}:
        raise RangeError("only one of from and to has an offset", "add the offset to the other")
    fix = "use two numbers, or two dates"
    if Kind.STRING in kinds:
        fix += " without quotes, such as 2024-01-01"
    raise RangeError(f"from is {as_toml(table['from'])} and to is {as_toml(table['to'])}", fix)


def _check_keys(table: dict[str, Any]) -> None:
    for end in ("from", "to"):
        if end not in table:
            raise RangeError(f"the range has no '{end}'", f"add {end} = …")
    if unknown := sorted(table.keys() - RANGE_KEYS):
        raise RangeError(f"unknown key '{unknown[0]}' in a range", "use from, to, step, count, scale")
    if "step" in table and "count" in table:
        raise RangeError("step and count together", "use one of them")


def _numbers(table: dict[str, Any]) -> Sequence[Value]:
    try:
        return _evenly_spaced(table) if "count" in table else _stepped(table)
    except ArithmeticError:  # overflow, or more digits than a decimal holds
        raise RangeError("the numbers are too large or too far apart", "choose ends closer together") from None


def _stepped(table: dict[str, Any]) -> Sequence[Value]:
    if "scale" in table:
        raise RangeError("scale without count", "add count = …")
    are_integers = isinstance(table["from"], int) and isinstance(table["to"], int)
    if "step" not in table and not are_integers:
        raise RangeError("a range of floats needs a step or a count", "add step = … or count = …")
    step = _step(table)
    if are_integers and isinstance(table.get("step", 1), int):
        return _integers(table["from"], table["to"], table.get("step", 1))
    first, last = _exact(table["from"]), _exact(table["to"])
    # Counted before any value is made. Where a step lands on `to`, the quotient is a whole number without rounding.
    size = int((last - first) / step) + 1 if (last - first) / step >= 0 else 0
    _check_size(size)
    return [_computed(first + step * n) for n in range(size)]


def _integers(first: int, last: int, step: int) -> range:
    _check_size((last - first) // step + 1, MAX_INTEGERS)
    # `to` belongs to the range, whichever way it runs.
    return range(first, last + (1 if step > 0 else -1), step)


def _step(table: dict[str, Any]) -> Decimal:
    step = table.get("step", 1)
    if kind_of(step) is not Kind.NUMBER or step == 0:
        raise RangeError(f"step is {as_toml(step)}", "use a number that is not 0")
    return _exact(step)


def _check_size(size: int, limit: int = MAX_VALUES) -> None:
    if size <= 0:
        raise RangeError("the range is empty", "swap from and to, or change the sign of step")
    if size > limit:
        raise RangeError(f"the range has {size:,} values", f"an axis may have at most {limit:,}")


def _evenly_spaced(table: dict[str, Any]) -> list[Value]:
    count, scale = table["count"], table.get("scale", "linear")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise RangeError(f"count is {as_toml(count)}", "use a whole number, 1 or more")
    _check_size(count)
    if scale == "log":
        return _logarithmic(float(table["from"]), float(table["to"]), count)
    if scale != "linear":
        raise RangeError(f"unknown scale {as_toml(scale)}", 'use "linear" or "log"')
    first, last = _exact(table["from"]), _exact(table["to"])
    if count == 1:
        return [_computed(first)]
    if first == last:
        raise RangeError("from and to are the same", "use count = 1, or two different ends")
    return [_computed(first + (last - first) * n / (count - 1)) for n in range(count)]


def _logarithmic(first: float, last: float, count: int) -> list[Value]:
    if first <= 0 or last <= 0:
        raise RangeError("a log scale needs numbers above 0", "change from and to")
    if count == 1:
        return [_computed(_exact(first))]
    # The ends are taken as they are; 12 digits hide the rounding errors of log and exp in between.
    start, stop = math.log(first), math.log(last)
    inner = [math.exp(start + (stop - start) * n / (count - 1)) for n in range(1, count - 1)]
    return [_shortest(float(f"{value:.12g}")) for value in (first, *inner, last)]


def _exact(number: float) -> Decimal:
    # Through the spelling: Decimal(0.1) would be the binary fraction nearest to it, with 55 digits.
    return Decimal(number.text if isinstance(number, TypedFloat) else str(number))


def _computed(value: Decimal) -> TypedFloat:
    return _shortest(float(value))


def _shortest(value: float) -> TypedFloat:
    return TypedFloat.parse(repr(value))


def _dates(table: dict[str, Any]) -> RangeValues:
    if "count" in table or "scale" in table:
        raise RangeError("a date range has no count or scale", 'use a step, such as step = "1 month"')
    first, last = table["from"], table["to"]
    nth = _nth_date(first, table.get("step"))
    try:
        values = list(_until(nth, first, last))
        next_values = [nth(n + 1) for n in range(len(values))]
    except OverflowError:
        raise RangeError("the range goes beyond the year 9999", "choose dates between the years 1 and 9999") from None
    _check_size(len(values))
    return RangeValues(values, next_values, lambda value: _nth_date(value, table.get("step"))(1))


def _until(nth: Callable[[int], Any], first: Any, last: Any) -> Iterator[Any]:
    value, n = first, 0
    while value <= last:
        _check_size(n + 1)  # months differ in length, so the values cannot be counted beforehand
        yield value
        n += 1
        value = nth(n)


def _nth_date(first: Any, step: Any) -> Callable[[int], Any]:
    """The n-th date of a range.

    Months and years count from the first date, not from the one before, and clamp: Jan 31, Feb 29, Mar 31. Step by step,
    every month after February would end on the 29th.
    """
    number, unit = _parsed_step(step)
    if unit in MONTHS:
        return lambda n: _months_later(first, n * number * MONTHS[unit])
    if unit in {"minute", "hour"} and not isinstance(first, datetime):
        raise RangeError(f"a step of {step!r} does not fit dates", "use datetimes, such as 2023-01-01T00:00:00")
    return lambda n: first + UNITS[unit] * number * n


def _parsed_step(step: Any) -> tuple[int, str]:
    fix = 'use a step such as "1 month": N minute, hour, day, week, month or year'
    if step is None:
        raise RangeError("a date range needs a step", fix)
    words = step.split() if isinstance(step, str) else []
    if len(words) != 2 or not words[0].isascii() or not words[0].isdigit() or int(words[0]) < 1:  # noqa: PLR2004 - a number and a unit
        raise RangeError(f"step is {as_toml(step)}", fix)
    unit = words[1].lower().removesuffix("s")  # "3 months" as well as "1 month"
    if unit not in UNITS and unit not in MONTHS:
        raise RangeError(f"unknown unit '{words[1]}' in step", fix)
    return int(words[0]), unit


def _months_later(first: Any, months: int) -> Any:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    if year > date.max.year:
        raise OverflowError
    return first.replace(year=year, month=month + 1, day=min(first.day, monthrange(year, month + 1)[1]))
