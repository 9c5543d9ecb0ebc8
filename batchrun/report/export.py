"""Export a batch as rows, one per planned run, for pandas, DuckDB and spreadsheets."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, BinaryIO

from batchrun.errors import Problem, UsageError
from batchrun.extras import missing_extra
from batchrun.files import resolved, whole_file
from batchrun.inert import inert, inert_json
from batchrun.report.export_rows import ExportRows, Row, read_export_rows

__all__ = ["FORMATS", "export", "export_to", "guarded"]

Columns = Mapping[str, type]


def export(
    ledger: Path,
    target: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    keep_formulas: bool = False,
    is_wide: bool = False,
    warn: Callable[[Problem], object] = lambda _: None,
) -> int:
    """Write the rows to a file whose suffix sets the format, and return their number.

    The file appears complete or not at all: it is written under another name and then renamed. In CSV, a text that a
    spreadsheet would take for a formula begins with an apostrophe, and characters that act on a terminal or are not shown are
    escapes, unless ``keep_formulas``. ``is_wide`` gives each axis a column of its own. ``warn`` receives what the rows lack,
    where the plan cannot be rebuilt.

    Raises:
        UsageError: the suffix is not in ``FORMATS``, the package for the format is not installed, or the file cannot be
            written.
        LedgerError: the ledger cannot be used.

    """
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        fact = f"unknown export format '{target.suffix}'"
        raise UsageError(str(target), fact, f"use one of {', '.join(FORMATS)}")
    # Through links as well: an export must never replace its own ledger.
    if resolved(target) == resolved(ledger):
        raise UsageError(str(target), "is the ledger itself", "choose another name")
    found = _read(ledger, environ, is_wide=is_wide, warn=warn)
    with whole_file(target) as file:
        return _write(found, file, suffix, keep_formulas=keep_formulas)


def export_to(
    ledger: Path,
    file: BinaryIO,
    suffix: str,
    environ: Mapping[str, str] = os.environ,
    *,
    keep_formulas: bool = False,
    is_wide: bool = False,
    warn: Callable[[Problem], object] = lambda _: None,
) -> int:
    """The same to an open file, such as standard output; ``suffix`` is one of ``FORMATS``.

    Raises:
        UsageError: the package for the format is not installed.
        LedgerError: the ledger cannot be used.

    """
    return _write(_read(ledger, environ, is_wide=is_wide, warn=warn), file, suffix, keep_formulas=keep_formulas)


def _read(ledger: Path, environ: Mapping[str, str], *, is_wide: bool, warn: Callable[[Problem], object]) -> ExportRows:
    found = read_export_rows(ledger, environ, is_wide=is_wide)
    if (gap := found.gap) is not None:
        warn(gap)
    return found


def _write(found: ExportRows, file: BinaryIO, suffix: str, *, keep_formulas: bool) -> int:
    is_guarded = suffix == ".csv" and not keep_formulas
    return FORMATS[suffix](map(guarded, found) if is_guarded else found, file, found.columns)


FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
"""What a cell begins with that Excel, LibreOffice or Google Sheets evaluates (OWASP, "CSV Injection")."""


def guarded(row: Row) -> Row:
    """A row of CSV whose texts do nothing where they are shown: messages are the service's, values anybody's.

    A spreadsheet does not evaluate them, and a terminal prints them.
    """
    return {name: _guarded(value) if isinstance(value, str) else value for name, value in row.items()}


def _guarded(text: str) -> str:
    return ("'" if text.startswith(FORMULA_STARTS) else "") + inert(text)


def _write_csv(rows: Iterable[Row], file: BinaryIO, columns: Columns) -> int:
    with _text(file, newline="") as text:
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        return _write_each(rows, lambda row: writer.writerow(_as_text(row, columns)))


def _as_text(row: Row, columns: Columns) -> Row:
    """A row whose values have the types of their columns: what no column can hold is text, as JSON."""
    return {name: _typed(value, columns[name]) for name, value in row.items()}


def _typed(value: object, kind: type) -> object:
    if value is None or isinstance(value, str) or kind is not str:
        return value
    return inert_json(json.dumps(value, ensure_ascii=False))


def _write_jsonl(rows: Iterable[Row], file: BinaryIO, columns: Columns) -> int:
    def write(text: IO[str], row: Row) -> None:
        point = {"point": json.loads(row["point"])} if "point" in columns else {}
        text.write(inert_json(json.dumps(row | point, ensure_ascii=False)) + "\n")

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


def _write_parquet(rows: Iterable[Row], file: BinaryIO, columns: Columns) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415 - pyarrow is an extra
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        raise missing_extra(error, extra="parquet", wanted_by="--output") from None
    # An explicit schema: inferred from the rows, a column without values would have no type.
    types = {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in columns.items()])
    table = pa.Table.from_pylist([_as_text(row, columns) for row in rows], schema=schema)
    pq.write_table(table, file)
    return int(table.num_rows)


FORMATS: dict[str, Callable[[Iterable[Row], BinaryIO, Columns], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
"""The writer for each file suffix."""
