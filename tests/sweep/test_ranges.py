from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.points.ranges import MAX_INTEGERS, MAX_VALUES, RangeError, range_values
from batchrun.sweep.values import TypedFloat, text_of

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def values(**table: Any) -> list[Any]:
    """The values of a range; ``start`` and ``stop`` are its ``from`` and ``to``."""
    named = {"start": "from", "stop": "to"}
    return list(range_values({named.get(key, key): value for key, value in table.items()}).values)


def texts(**table: Any) -> list[str]:
    return [text_of(value) for value in values(**table)]


@given(st.integers(-100, 100), st.integers(0, 200), st.integers(1, 9))
def test_integers_step_up_and_down(start: int, size: int, step: int) -> None:
    assert values(start=start, stop=start + size, step=step) == list(range(start, start + size + 1, step))
    assert values(start=start, stop=start - size, step=-step) == list(range(start, start - size - 1, -step))


@given(st.integers(-10_000, 10_000), st.integers(0, 300), st.integers(1, 99))
def test_hundredths_add_up_exactly(start: int, steps: int, step: int) -> None:
    def typed(hundredths: int) -> TypedFloat:
        return TypedFloat.parse(f"{hundredths / 100:.2f}")

    found = values(start=typed(start), stop=typed(start + steps * step), step=typed(step))
    assert found == [(start + n * step) / 100 for n in range(steps + 1)]


THOUSANDTHS = st.integers(-(10**9), 10**9).map(lambda number: number / 1000)


@given(THOUSANDTHS, THOUSANDTHS, st.integers(2, 50))
def test_evenly_spaced_values_have_both_ends(start: float, stop: float, count: int) -> None:
    if start == stop:
        return
    found = values(start=start, stop=stop, count=count)
    assert (len(found), found[0], found[-1]) == (count, start, stop)
    assert sorted(found, reverse=start > stop) == found


def test_a_log_scale_has_clean_decades() -> None:
    assert texts(start=1e-5, stop=1e-1, count=5, scale="log") == ["1e-05", "0.0001", "0.001", "0.01", "0.1"]


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(1, 24), st.integers(1, 30))
def test_months_count_from_the_first_and_clamp(start: date, step: int, steps: int) -> None:
    found = range_values({"from": start, "to": start + timedelta(31 * step * steps), "step": f"{step} months"})
    for n, value in enumerate(found.values):
        months = (value.year - start.year) * 12 + value.month - start.month
        assert months == n * step
        assert value.day == start.day or (value.day < start.day and (value + timedelta(1)).day == 1)
    assert found.next_values is not None
    assert found.next_values[:-1] == list(found.values)[1:]


@pytest.mark.parametrize(
    ("step", "later"),
    [("15 minutes", NOON.replace(minute=15)), ("6 hours", NOON.replace(hour=18)), ("1 week", NOON.replace(day=8))],
)
def test_datetimes_step_by_units_of_time(step: str, later: datetime) -> None:
    found = range_values({"from": NOON, "to": NOON, "step": step})
    assert (list(found.values), found.next_values) == ([NOON], [later])
    assert found.successor is not None
    assert found.successor(later) == later + (later - NOON)


def test_a_leap_day_clamps_each_year_on_its_own() -> None:
    found = values(start=date(2024, 2, 29), stop=date(2028, 2, 29), step="1 year")
    assert [f"{value:%m-%d}" for value in found] == ["02-29", "02-28", "02-28", "02-28", "02-29"]


DAY = date(2024, 1, 1)
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no end": ({"from": 1}, "the range has no 'to'", "add to = …"),
    "an unknown key": (
        {"from": 1, "to": 2, "stp": 1}, "unknown key 'stp' in a range", "use from, to, step, count, scale",
    ),
    "a number and a date": ({"from": 1, "to": DAY}, "from is 1 and to is 2024-01-01", "use two numbers, or two dates"),
    "dates in quotes": (
        {"from": "2024-01", "to": "2024-12"}, 'from is "2024-01" and to is "2024-12"',
        "use two numbers, or two dates without quotes, such as 2024-01-01",
    ),
    "one offset": (
        {"from": NOON, "to": NOON.replace(tzinfo=None), "step": "1 day"},
        "only one of from and to has an offset", "add the offset to the other",
    ),
    "floats without a step": (
        {"from": 0.5, "to": 1.5}, "a range of floats needs a step or a count", "add step = … or count = …",
    ),
    "a step of nothing": ({"from": 1, "to": 2, "step": 0}, "step is 0", "use a number that is not 0"),
    "a step of text": ({"from": 1, "to": 2, "step": "1"}, 'step is "1"', "use a number that is not 0"),
    "the wrong direction": (
        {"from": 2, "to": 1}, "the range is empty", "swap from and to, or change the sign of step",
    ),
    "too many floats": (
        {"from": 0, "to": 1, "step": 1e-7}, "the range has 10,000,001 values", f"an axis may have at most {MAX_VALUES:,}",
    ),
    "too many integers": (
        {"from": 1, "to": 2 * 10**9}, "the range has 2,000,000,000 values", f"an axis may have at most {MAX_INTEGERS:,}",
    ),
    "a count of text": ({"from": 1, "to": 2, "count": "2"}, 'count is "2"', "use a whole number, 1 or more"),
    "two values at one place": (
        {"from": 1, "to": 1, "count": 2}, "from and to are the same", "use count = 1, or two different ends",
    ),
    "an unknown scale": (
        {"from": 1, "to": 2, "count": 2, "scale": "lg"}, 'unknown scale "lg"', 'use "linear" or "log"',
    ),
    "a log of 0": (
        {"from": 0, "to": 2, "count": 2, "scale": "log"}, "a log scale needs numbers above 0", "change from and to",
    ),
    "a scale alone": ({"from": 1, "to": 2, "scale": "log"}, "scale without count", "add count = …"),
    "dates with a count": (
        {"from": DAY, "to": DAY, "count": 2},
        "a date range has no count or scale", 'use a step, such as step = "1 month"',
    ),
    "dates by the hour": (
        {"from": DAY, "to": DAY, "step": "1 hour"},
        "a step of '1 hour' does not fit dates", "use datetimes, such as 2023-01-01T00:00:00",
    ),
    "beyond the calendar": (
        {"from": date(9999, 12, 1), "to": date(9999, 12, 31), "step": "1 month"},
        "the range goes beyond the year 9999", "choose dates between the years 1 and 9999",
    ),
    "beyond arithmetic": (
        {"from": 1, "to": 10**400, "count": 3, "scale": "log"},
        "the numbers are too large or too far apart", "choose ends closer together",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("table", "fact", "fix"), REFUSED.values(), ids=REFUSED)
def test_a_range_that_cannot_be_used_has_a_fact_and_a_fix(table: dict[str, Any], fact: str, fix: str) -> None:
    with pytest.raises(RangeError) as caught:
        range_values(table)
    assert (caught.value.fact, caught.value.fix) == (fact, fix)


@pytest.mark.parametrize("step", [None, 1, "month", "1 month more", "0 month", "-1 month", "² months", "1 fortnight"])
def test_a_step_between_dates_is_a_number_and_a_unit(step: object) -> None:
    with pytest.raises(RangeError) as caught:
        range_values({"from": DAY, "to": DAY, "step": step} if step is not None else {"from": DAY, "to": DAY})
    assert caught.value.fix == 'use a step such as "1 month": N minute, hour, day, week, month or year'
