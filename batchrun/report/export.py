"""A batch as rows, one a planned run, for pandas, DuckDB and spreadsheets."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from batchrun.engine.batch import plan_of
from batchrun.errors import UsageError
from batchrun.ledger.events import AttemptEvent, Event, StatusEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, Outcome, RunState, fold
from batchrun.ledger.reader import read_events, read_state
from batchrun.sweep.plan import PlannedRun

__all__ = ["COLUMNS", "FORMATS", "export", "rows"]

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
"""Each column and its kind. Times are RFC 3339; ``point`` is JSON; what is not known is empty or null."""

Row = dict[str, Any]


def rows(ledger: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Row]:
    """One row a planned run, in plan order; runs never sent are pending rows.

    Raises:
        LedgerError: the ledger cannot be used.
        ManifestError: it cannot be planned any more, for example because a data file is gone.

    """
    state, times = BatchState(), dict[str, Row]()
    for event in read_events(ledger):
        fold(state, event)
        _note_times(event, times)
    batch = state.batch or read_state(ledger).batch
    assert batch is not None  # noqa: S101 - read_state has raised otherwise
    for run in plan_of(batch, ledger, environ):
        yield dict.fromkeys(COLUMNS) | _planned(run) | _known(state.runs.get(run.key)) | times.get(run.key, {})


def _note_times(event: Event, times: dict[str, Row]) -> None:
    match event:
        case AttemptEvent():
            times.setdefault(event.key, {"first_attempt_at": event.at})
        case SubmittedEvent():
            times.setdefault(event.key, {}).update(submitted_at=event.at, via=event.via)
        case StatusEvent():
            told = {"create_time": event.create_time, "start_time": event.start_time}
            told |= {"complete_time": event.complete_time}
            known = {name: value for name, value in told.items() if value is not None}
            times.setdefault(event.key, {}).update(known)


def _planned(run: PlannedRun) -> Row:
    point = run.point_json.decode()
    return {"index": run.index, "key": run.key, "name": run.name, "region": run.region, "point": point}


def _known(run: RunState | None) -> Row:
    if run is None:
        return {"outcome": Outcome.PENDING.value, "attempts": 0}
    row: Row = {"outcome": run.outcome.value, "run_id": run.run_id, "status": run.status, "attempts": run.n}
    if (why := run.trouble) is not None:
        row |= {"http_status": why.status, "code": why.code, "message": why.message}
        row |= {"field": why.field, "suggestion": why.suggestion}
    return row


def export(ledger: Path, target: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Write the rows to a file whose ending names its format; the number of rows.

    The file appears whole or not at all.

    Raises:
        UsageError: the ending is none of ``FORMATS``, or what it needs is not installed.
        LedgerError: as for ``rows``.
        ManifestError: as for ``rows``.

    """
    write = FORMATS.get(target.suffix.lower())
    if write is None:
        fact = f"'{target.suffix}' is no format to export to"
        raise UsageError(str(target), fact, f"let the name end in {', '.join(FORMATS)}")
    if target.resolve() == ledger.resolve():
        raise UsageError(str(target), "that is the ledger itself", "give another name")
    unfinished = target.with_name(target.name + ".part")
    try:
        count = write(rows(ledger, environ), unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _write_csv(found: Iterable[Row], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        return _each(found, writer.writerow)


def _write_jsonl(found: Iterable[Row], path: Path) -> int:
    def write(file: IO[str], row: Row) -> None:
        file.write(json.dumps(row | {"point": json.loads(row["point"])}, ensure_ascii=False) + "\n")

    with path.open("w", encoding="utf-8") as file:
        return _each(found, lambda row: write(file, row))


def _each(found: Iterable[Row], write: Callable[[Row], object]) -> int:
    count = 0
    for row in found:
        write(row)
        count += 1
    return count


def _write_parquet(found: Iterable[Row], path: Path) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ModuleNotFoundError:
        fix = "pip install 'batchrun[parquet]'"
        raise UsageError(str(path), "Parquet needs the package pyarrow, which is not installed", fix) from None
    schema = pa.schema([(name, pa.int64() if kind is int else pa.string()) for name, kind in COLUMNS.items()])
    table = pa.Table.from_pylist(list(found), schema=schema)
    pq.write_table(table, path)
    return int(table.num_rows)


FORMATS: dict[str, Callable[[Iterable[Row], Path], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
"""How each ending is written."""
