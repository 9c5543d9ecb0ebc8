"""Export a batch as rows, one per planned run, for pandas, DuckDB and spreadsheets."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO

from batchrun.engine.batch import plan_of
from batchrun.errors import UsageError
from batchrun.files import resolved, whole_file
from batchrun.ledger.events import AttemptEvent, Event, StatusEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, Outcome, RunState, fold
from batchrun.ledger.reader import read_events, read_state
from batchrun.sweep.plan import PlannedRun

__all__ = ["COLUMNS", "FORMATS", "export", "rows", "without_formulas"]

COLUMNS: dict[str, type] = {
    "index": int,
    "key": str,
    "name": str,
    "region": str,
    "outcome": str,
    "run_id": str,
    "status": str,
    "via": str,
    "attempts": int,
    "first_attempt_at": str,
    "submitted_at": str,
    "create_time": str,
    "start_time": str,
    "complete_time": str,
    "http_status": int,
    "code": str,
    "message": str,
    "field": str,
    "suggestion": str,
    "point": str,
}
"""Columns and their types. Times are RFC 3339; ``point`` is JSON; unknown values are empty or null."""

Row = dict[str, Any]


def rows(ledger: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Row]:
    """One row per planned run, in plan order; runs that were never sent are included as pending.

    Raises:
        LedgerError: the ledger cannot be used.
        ManifestError: the plan can no longer be built, for example because a data file is missing.

    """
    # The folded state holds no times, so they are collected from the same events in passing.
    state, times = BatchState(), dict[str, Row]()
    for event in read_events(ledger):
        fold(state, event)
        _record_times(event, times)
    batch = state.batch or read_state(ledger).batch
    assert batch is not None  # noqa: S101 - read_state raises for an empty ledger
    for run in plan_of(batch, ledger, environ):
        yield (
            dict.fromkeys(COLUMNS)
            | _plan_columns(run)
            | _ledger_columns(state.runs.get(run.key))
            | times.get(run.key, {})
        )


def _record_times(event: Event, times: dict[str, Row]) -> None:
    match event:
        case AttemptEvent():
            times.setdefault(event.key, {"first_attempt_at": event.at})
        case SubmittedEvent():
            times.setdefault(event.key, {}).update(submitted_at=event.at, via=event.via)
        case StatusEvent():
            reported = {"create_time": event.create_time, "start_time": event.start_time}
            reported |= {"complete_time": event.complete_time}
            known = {name: value for name, value in reported.items() if value is not None}
            times.setdefault(event.key, {}).update(known)


def _plan_columns(run: PlannedRun) -> Row:
    point = run.point_json.decode()
    return {"index": run.index, "key": run.key, "name": run.name, "region": run.region, "point": point}


def _ledger_columns(run: RunState | None) -> Row:
    if run is None:
        return {"outcome": Outcome.PENDING.value, "attempts": 0}
    row: Row = {"outcome": run.outcome.value, "run_id": run.run_id, "status": run.status, "attempts": run.n}
    if (why := run.trouble) is not None:
        row |= {"http_status": why.status, "code": why.code, "message": why.message}
        row |= {"field": why.field, "suggestion": why.suggestion}
    return row


def export(ledger: Path, target: Path, environ: Mapping[str, str] = os.environ, *, keep_formulas: bool = False) -> int:
    """Write the rows to a file whose suffix sets the format, and return their number.

    The file appears complete or not at all: it is written under another name and then renamed. In CSV, a text that a
    spreadsheet would take for a formula begins with an apostrophe, unless ``keep_formulas``.

    Raises:
        UsageError: the suffix is not in ``FORMATS``, the package for the format is not installed, or the file cannot be
            written.
        LedgerError: as for ``rows``.
        ManifestError: as for ``rows``.

    """
    write = FORMATS.get(target.suffix.lower())
    if write is None:
        fact = f"unknown export format '{target.suffix}'"
        raise UsageError(str(target), fact, f"use one of {', '.join(FORMATS)}")
    if resolved(target) == resolved(ledger):
        raise UsageError(str(target), "is the ledger itself", "choose another name")
    listed = rows(ledger, environ)
    if write is _write_csv and not keep_formulas:
        listed = map(without_formulas, listed)
    with whole_file(target) as file:
        return write(listed, file)


FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
"""What a cell begins with that Excel, LibreOffice or Google Sheets evaluates (OWASP, "CSV Injection")."""


def without_formulas(row: Row) -> Row:
    """A row whose texts a spreadsheet shows instead of evaluating them: messages are the service's, values anybody's."""
    return {
        name: f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
        for name, value in row.items()
    }


def _write_csv(rows: Iterable[Row], file: BinaryIO) -> int:
    with _text(file, newline="") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        return _write_each(rows, writer.writerow)


def _write_jsonl(rows: Iterable[Row], file: BinaryIO) -> int:
    def write(text: IO[str], row: Row) -> None:
        text.write(json.dumps(row | {"point": json.loads(row["point"])}, ensure_ascii=False) + "\n")

    with _text(file) as text:
        return _write_each(rows, lambda row: write(text, row))


@contextmanager
def _text(file: BinaryIO, newline: str = "\n") -> Iterator[IO[str]]:
    wrapper = TextIOWrapper(file, "utf-8", newline=newline)
    yield wrapper
    wrapper.detach()  # flushes, and leaves the file open


def _write_each(rows: Iterable[Row], write: Callable[[Row], object]) -> int:
    count = 0
    for row in rows:
        write(row)
        count += 1
    return count


def _write_parquet(rows: Iterable[Row], file: BinaryIO) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415 - pyarrow is an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ModuleNotFoundError:
        fix = "pip install 'batchrun[parquet]'"
        raise UsageError("--output", "Parquet requires the package pyarrow, which is not installed", fix) from None
    # An explicit schema: inferred from the rows, a column without values would have no type.
    schema = pa.schema([(name, pa.int64() if kind is int else pa.string()) for name, kind in COLUMNS.items()])
    table = pa.Table.from_pylist(list(rows), schema=schema)
    pq.write_table(table, file)
    return int(table.num_rows)


FORMATS: dict[str, Callable[[Iterable[Row], BinaryIO], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
"""The writer for each file suffix."""
