"""The columns of a table of runs: each as a value and as text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from batchrun.errors import UsageError
from batchrun.ledger.clock import timestamp
from batchrun.report.axis_values import axis_text, axis_value, natural_key, value_text
from batchrun.report.cost_totals import amount_of, costs_of
from batchrun.report.failures import reason_of
from batchrun.report.rows import RunRow
from batchrun.report.run_label import label_of
from batchrun.report.wording import amount, short_span

__all__ = ["COLUMNS", "DEFAULT_COLUMNS", "Column", "columns_of", "sorted_rows"]

Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; ``value`` is for programs and for sorting, ``text`` for people."""

    name: str
    value: Callable[[RunRow], Value]
    text: Callable[[RunRow], str]
    is_number: bool = False


def _plain(name: str, value: Callable[[RunRow], Value], *, is_number: bool = False) -> Column:
    return Column(name=name, value=value, text=lambda row: _text(value(row)), is_number=is_number)


def _text(value: Value) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _span(name: str, value: Callable[[RunRow], float | None]) -> Column:
    def text(row: RunRow) -> str:
        seconds = value(row)
        return "" if seconds is None else short_span(seconds)

    return Column(name=name, value=value, text=text, is_number=True)


def _time(name: str, value: Callable[[RunRow], float | None]) -> Column:
    return _plain(name, lambda row: None if (at_s := value(row)) is None else timestamp(at_s))


def _reason(row: RunRow) -> str | None:
    code, message = reason_of(row)
    return message or code


def _currency(row: RunRow) -> str | None:
    """Of a run's costs; None where they are only known in spatial units."""
    found = {cost.currency for cost in costs_of(row) if cost is not None and cost.cost is not None}
    return next(iter(found)) or "" if len(found) == 1 else None


def _cost(row: RunRow) -> float | None:
    found = amount_of(row, _currency(row))
    return None if found is None else float(found)


def _cost_text(row: RunRow) -> str:
    found = amount_of(row, currency := _currency(row))
    return "" if found is None else amount(found, currency)


COLUMNS = {
    column.name: column
    for column in (
        _plain("name", lambda row: row.name),
        _plain("status", lambda row: label_of(row.outcome, row.status)),
        _plain("outcome", lambda row: row.outcome.value),
        _plain("reason", _reason),
        _span("waited", lambda row: row.waited_s),
        _span("ran", lambda row: row.ran_s),
        Column(name="cost", value=_cost, text=_cost_text, is_number=True),
        _plain("run_id", lambda row: row.run_id),
        _plain("key", lambda row: row.key),
        _plain("code", lambda row: reason_of(row)[0]),
        _plain("attempts", lambda row: row.attempts, is_number=True),
        _plain("generation", lambda row: row.generation, is_number=True),
        _plain("via", lambda row: row.via),
        _time("submitted", lambda row: row.submitted_s),
        _time("created", lambda row: row.created_s),
        _time("started", lambda row: row.started_s),
        _time("completed", lambda row: row.completed_s),
        _plain("app_id", lambda row: row.kube_app_id),
    )
}
DEFAULT_COLUMNS = ("name", "status", "reason", "waited", "ran", "cost", "run_id")


def columns_of(names: Iterable[str], axes: Sequence[str], *, place: str) -> list[Column]:
    """The columns with these names; each axis, or field of a record axis, is a column too.

    Raises:
        UsageError: there is no such column; the message suggests one.

    """
    return [COLUMNS[name] if name in COLUMNS else _axis_column(name, axes, place) for name in names]


def _axis_column(name: str, axes: Sequence[str], place: str) -> Column:
    if name not in axes:
        known = [*COLUMNS, *axes]
        close = get_close_matches(name, known, 1)
        fix = f"did you mean '{close[0]}'?" if close else f"use one of {', '.join(known)}"
        raise UsageError(place, f"unknown column '{name}'", fix)

    def value(row: RunRow) -> Any:  # noqa: ANN401 - a value of any JSON type
        found = axis_value(row.point, name)
        # Numbers stay numbers, for programs; whatever else a point holds is text.
        return found if isinstance(found, int | float | None) else value_text(found)

    def text(row: RunRow) -> str:
        """As in names, and without thousands separators: 2024 is a year. What is missing is empty, as in other columns."""
        return "" if value(row) is None else axis_text(row.point, name)

    return Column(name=name, value=value, text=text)


def sorted_rows(rows: Iterable[RunRow], column: Column, *, descending: bool = False) -> list[RunRow]:
    """The rows by one column, those without a value last; equal ones stay in their order."""
    known: list[RunRow] = []
    unknown: list[RunRow] = []
    for row in rows:
        (unknown if column.value(row) in {None, ""} else known).append(row)
    # By text, in natural order: an axis may hold numbers and words.
    return sorted(known, key=lambda row: natural_key(str(column.value(row))), reverse=descending) + unknown
