"""Rows from CSV. No type is guessed: a column without a type is text, so that ``007`` stays ``007``."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from batchrun.sweep.manifest.manifest import NAME
from batchrun.sweep.manifest.problems import did_you_mean
from batchrun.sweep.points.table_source import Row, TableSource, shown_columns
from batchrun.sweep.values import TypedFloat, kind_of

__all__ = ["csv_rows"]


def _boolean(text: str) -> bool:
    # bool("false") is True, and whether 0, no or N mean false is for the file's author to say.
    if text not in {"true", "false"}:
        raise ValueError
    return text == "true"


CASTS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "int": int,
    "float": TypedFloat.parse,
    "bool": _boolean,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


def csv_rows(source: TableSource, text: str) -> list[Row]:
    """The typed rows of a CSV file; everything wrong with it is reported with its line."""
    # newline="": the reader itself must see line breaks within quotes. strict: an open quote is an error, not text.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _header(source, next(reader, None))
        if header is None:
            return []
        rows = _RowReader(source, header, _columns(source, header))
        return [row for cells in reader if cells and (row := rows.read(cells, reader.line_num)) is not None]
    except csv.Error as error:
        source.line(reader.line_num).add(f"not CSV: {error}", "fix the file")
        return []


def _header(source: TableSource, cells: list[str] | None) -> list[str] | None:
    """The columns' names after ``rename``, or None if rows cannot be read with them."""
    if not cells:
        source.at.elsewhere(source.name).add("it has no header", "put the column names on its first line")
        return None
    source.check_columns(source.rename, cells, source.at.child("rename"))
    header = [source.rename.get(cell, cell) for cell in cells]
    for column in header:
        if not NAME.fullmatch(column) and (source.columns is None or column in source.columns):
            source.line(1).add(
                f"the column '{shown_columns([column])}' is not an identifier", "use rename to give it another name"
            )
    if repeated := sorted({column for column in header if header.count(column) > 1}):
        source.line(1).add(
            f"the column '{shown_columns(repeated[:1])}' appears twice", "use rename to give one of them another name"
        )
        return None
    named = {"types": source.types or {}, "columns": source.columns or [], "missing": source.missing}
    for key, columns in {**named, "where": source.where}.items():
        source.check_columns(columns, header, source.at.child(key))
    return header


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that becomes a field, and how its cells are read."""

    name: str
    position: int
    type: str
    cast: Callable[[str], Any]
    takes_missing: bool
    """Whether an empty cell is a missing value: in a text column without a default it is the empty string."""


def _columns(source: TableSource, header: list[str]) -> list[_Column]:
    types = source.types or {}
    for column, kind in types.items():
        if kind not in CASTS:
            fix = did_you_mean(kind, CASTS)
            source.at.child("types").add(f"unknown type '{kind}' for {column}", fix)
    columns = []
    for name in header if source.columns is None else source.columns:
        if name in header:
            kind = types.get(name, "string")
            takes_missing = kind != "string" or name in source.missing
            columns.append(_Column(name, header.index(name), kind, CASTS.get(kind, str), takes_missing))
    return columns


@dataclass(frozen=True, slots=True)
class _RowReader:
    """Casts the cells of each row."""

    source: TableSource
    header: list[str]
    columns: list[_Column]

    def read(self, cells: list[str], line: int) -> Row | None:
        """A row, or None with a problem."""
        if len(cells) != len(self.header):
            self.source.line(line).add(f"{len(cells)} cells, but the header has {len(self.header)}")
            return None
        row: Row = {}
        for column in self.columns:
            text = cells[column.position]
            if text == "" and column.takes_missing:
                row[column.name] = self._missing(column.name, line)
                continue
            try:
                value = row[column.name] = column.cast(text)
            except ValueError:
                fact = f"{column.name}: '{text}' is not a valid {column.type}"
                self.source.line(line).add(fact, "fix the cell")
                return None
            if kind_of(value) is None:  # float() reads nan and inf
                self.source.line(line).add(f"{column.name}: '{text}' is not a finite number", "fix the cell")
        return row

    def _missing(self, name: str, line: int) -> Any:
        if name not in self.source.missing:
            self.source.line(line).add(f"{name} is empty", f"fill it, or set missing.{name}")
        return self.source.missing.get(name)
