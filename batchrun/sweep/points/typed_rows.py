"""Rows from JSON Lines and Parquet, whose values have types of their own."""

import io
import json
from collections.abc import Iterable, Iterator

from batchrun.extras import missing_extra
from batchrun.sweep.points.table_source import Row, TableSource
from batchrun.sweep.values import TypedFloat, is_text

__all__ = ["json_rows", "parquet_rows"]


def json_rows(source: TableSource, text: str) -> list[Row]:
    """The rows of JSON Lines: a flat object per line."""
    return _fitted(source, _objects(source, text))


def _objects(source: TableSource, text: str) -> Iterator[tuple[int, Row]]:
    # Not splitlines(): JSON's text may contain U+2028 and U+0085 as they are, and those are no ends of lines here.
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=TypedFloat.parse)
        except (ValueError, RecursionError) as error:
            source.line(number).add(f"not JSON: {error}", "write one flat object per line")
            continue
        if not isinstance(row, dict) or any(isinstance(value, dict | list) for value in row.values()):
            source.line(number).add("not a flat object", "write one flat object per line")
            continue
        # JSON may escape one half of a surrogate pair; as text it could neither be sent nor written.
        if "\\u" in line and not is_text(json.dumps(row, ensure_ascii=False)):
            source.line(number).add("unpaired surrogate", "write the character in full")
            continue
        yield number, row


def parquet_rows(source: TableSource, data: bytes) -> list[Row]:
    """The rows of a Parquet file."""
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra, loaded only where it is used
    except ModuleNotFoundError as error:
        problem = missing_extra(error, extra="parquet", wanted_by=source.name).problems[0]
        source.at.elsewhere(problem.place).add(problem.fact, problem.fix)
        return []
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (ArrowException, OSError) as error:
        source.at.elsewhere(source.name).add(f"not Parquet: {str(error).splitlines()[0]}", "fix the file")
        return []
    return _fitted(source, enumerate(table.to_pylist(), 1))


def _fitted(source: TableSource, rows: Iterable[tuple[int, Row]]) -> list[Row]:
    """The rows with ``rename``, ``missing`` and ``columns`` applied, in this order."""
    if source.types is not None:
        source.at.child("types").add("only CSV needs types", "remove it; the values are typed already")
    return [_fit(source, row, number) for number, row in rows]


def _fit(source: TableSource, raw: Row, number: int) -> Row:
    missing = source.missing
    row = {source.rename.get(key, key): value for key, value in raw.items()}
    row = {key: missing[key] if value is None and key in missing else value for key, value in row.items()}
    row = {**{key: value for key, value in missing.items() if key not in row}, **row}
    if source.columns is not None:
        for column in (column for column in source.columns if column not in row):
            fact = f"no '{column}' (it has {', '.join(row)})"
            source.line(number).add(fact, f"set missing.{column}")
        row = {column: row.get(column) for column in source.columns}
    for key in (key for key, value in row.items() if value is None):
        source.line(number).add(f"{key} is null", f"fill it, or set missing.{key}")
    return row
