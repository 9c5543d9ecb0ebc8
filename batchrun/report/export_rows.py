"""The rows of an export: everything the ledger knows about each planned run, under stable column names."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from batchrun.engine.batch import earlier_plan
from batchrun.errors import Problem
from batchrun.ledger.clock import timestamp
from batchrun.ledger.fold import Outcome
from batchrun.report.axis_values import flat_point
from batchrun.report.cost_totals import amount_of, costs_of
from batchrun.report.failures import reason_of
from batchrun.report.rows import RunRow, read_rows
from batchrun.report.wording import numbered
from batchrun.sweep.plan import Plan

__all__ = ["COLUMNS", "POINT", "ExportRows", "Row", "read_export_rows"]

COLUMNS: dict[str, type] = {
    "index": int,
    "key": str,
    "name": str,
    "region": str,
    "outcome": str,
    "run_id": str,
    "status": str,
    "generation": int,
    "via": str,
    "attempts": int,
    "first_attempt_at": str,
    "submitted_at": str,
    "create_time": str,
    "start_time": str,
    "complete_time": str,
    "waited_s": float,
    "ran_s": float,
    "cost": str,
    "currency": str,
    "spatial_units": str,
    "cost_state": str,
    "reason": str,
    "http_status": int,
    "code": str,
    "message": str,
    "field": str,
    "suggestion": str,
    "point": str,
}
"""Columns and their types. Times are RFC 3339; ``point`` is JSON; unknown values are empty or null.

``status``, the times, ``code`` and ``message`` are those of the latest generation. ``cost`` and ``spatial_units`` are exact
decimals as text and include earlier generations, so that a column of them adds up to what was paid.
"""
POINT = "point."
"""What the names of wide columns begin with: an axis may be called ``status``."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRows:
    """The rows of a batch; each iteration makes them anew. Runs that left the plan come last, without an index."""

    plan: Plan | None
    """None if it cannot be rebuilt: then the ledger's runs are the rows, in the order of their first event."""
    runs: dict[str, RunRow]
    """By key; planned runs that were never sent are not in it."""
    is_wide: bool
    columns: dict[str, type]
    never_sent: int
    """Planned runs that the ledger has no event of."""

    @property
    def gap(self) -> Problem | None:
        """What these rows lack; None if nothing."""
        if self.plan is not None:
            return None
        fact = (
            "the plan cannot be rebuilt, for example because a data file changed: the rows have no index and no region"
        )
        if self.never_sent:
            fact += (
                f", and {numbered(self.never_sent, 'run')} that {'was' if self.never_sent == 1 else 'were'} never sent"
            )
            fact += f" {'is' if self.never_sent == 1 else 'are'} left out"
        return Problem("export", fact, "restore the files that the sweep was planned from")

    def __iter__(self) -> Iterator[Row]:
        planned: set[str] = set()
        for run in self.plan or ():
            planned.add(run.key)
            head: Row = {"index": run.index, "key": run.key, "name": run.name, "region": run.region}
            yield self._row(head, self.runs.get(run.key), run.point_json)
        for key, left in self.runs.items():
            # Of runs that left the plan, only those that exist or existed: nothing else of them was paid for.
            if key not in planned and (
                left.run_id is not None or left.earlier or (self.plan is None and left.is_planned)
            ):
                yield self._row(
                    {"key": key, "name": left.name}, left, json.dumps(left.point, ensure_ascii=False).encode()
                )

    def _row(self, head: Row, run: RunRow | None, point: bytes) -> Row:
        row = dict.fromkeys(self.columns) | head | (_ledger_columns(run) if run is not None else _NEVER_SENT)
        if not self.is_wide:
            return row | {"point": point.decode()}
        return row | {POINT + name: value for name, value in flat_point(json.loads(point))}


_NEVER_SENT: Row = {"outcome": Outcome.PENDING.value, "attempts": 0}


def read_export_rows(ledger: Path, environ: Mapping[str, str] = os.environ, *, is_wide: bool = False) -> ExportRows:
    """The rows of a ledger: its plan, in order, and what became of each run.

    ``is_wide`` replaces the column ``point`` by one for each axis, ``point.year``, or ``point.site.id`` for a field.

    Raises:
        LedgerError: the ledger cannot be used.

    """
    read = read_rows(ledger)
    plan = earlier_plan(read.state, ledger, environ)  # not one that changed since: its runs are not this batch's
    runs = {run.key: run for run in read.rows}
    columns = COLUMNS if not is_wide else _wide_columns(plan, runs)
    never_sent = read.state.planned - sum(run.is_planned for run in read.rows)
    return ExportRows(plan=plan, runs=runs, is_wide=is_wide, columns=columns, never_sent=never_sent)


def _wide_columns(plan: Plan | None, runs: Mapping[str, RunRow]) -> dict[str, type]:
    """The columns with one for each axis that any point has, and the type that all its values have."""
    types: dict[str, set[type]] = {}
    points = (json.loads(run.point_json) for run in plan or ())
    for point in chain(points, (run.point for run in runs.values() if plan is None or not run.is_planned)):
        for name, value in flat_point(point):
            types.setdefault(POINT + name, set()).add(type(value))
    wide = {name: _common(kinds - {type(None)}) for name, kinds in types.items()}
    return {name: kind for name, kind in COLUMNS.items() if name != "point"} | wide


def _common(kinds: set[type]) -> type:
    if kinds == {int, float}:
        return float
    (kind,) = kinds if len(kinds) == 1 else (str,)
    return kind if kind in {int, float, bool} else str


def _ledger_columns(run: RunRow) -> Row:
    code, message = reason_of(run)
    row: Row = {"outcome": run.outcome.value, "run_id": run.run_id, "status": run.status, "via": run.via}
    row |= {"generation": run.generation if run.attempts else None, "attempts": run.attempts}
    row |= {name: timestamp(at_s) for name, at_s in _times(run) if at_s is not None}
    row |= {"waited_s": run.waited_s, "ran_s": run.ran_s, "code": code, "message": message}
    row["reason"] = ": ".join(filter(None, [code, message])) or None
    if (why := run.trouble) is not None:
        row |= {"http_status": why.status, "field": why.field, "suggestion": why.suggestion}
    return row | _cost_columns(run)


def _times(run: RunRow) -> Iterator[tuple[str, float | None]]:
    yield "first_attempt_at", run.first_attempt_s
    yield "submitted_at", run.submitted_s
    yield "create_time", run.created_s
    yield "start_time", run.started_s
    yield "complete_time", run.completed_s


def _cost_columns(run: RunRow) -> Row:
    """A sum is as final as its least final part."""
    costs = [cost for cost in costs_of(run) if cost is not None]
    if not costs:
        return {}
    currencies = {cost.currency for cost in costs}
    currency = costs[-1].currency if len(currencies) == 1 else None
    money = amount_of(run, currency or "") if len(currencies) == 1 else None
    units = amount_of(run, None)
    states = {cost.state for cost in costs}
    return {
        "cost": str(money) if money is not None else None,
        "currency": currency,
        "spatial_units": str(units) if units is not None else None,
        "cost_state": next(state for state in ("live", "settling", "final") if state in states),
    }
