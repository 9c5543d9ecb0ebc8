"""Points from data files: CSV, JSON Lines, Parquet, standard input. The file is hashed and its rows are filtered."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from batchrun.errors import UsageError
from batchrun.files import open_regular
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Cursor, did_you_mean
from batchrun.sweep.manifest.source import MOST_DATA_BYTES
from batchrun.sweep.points.csv_rows import csv_rows
from batchrun.sweep.points.matching import compile_test
from batchrun.sweep.points.table_source import Row, TableSource, shown_columns
from batchrun.sweep.points.typed_rows import json_rows, parquet_rows
from batchrun.sweep.values import kind_of, shown

__all__ = ["FileRows", "PlanFile", "read_rows"]

KEYS = ["file", "types", "columns", "rename", "where", "missing"]


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A file that the plan depends on, with its SHA-256 in hex.

    ``size``, in bytes, is known of a file that is uploaded.
    """

    path: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of a file axis, as records, and the file that they were read from."""

    rows: list[Row]
    file: PlanFile


def read_rows(table: dict[str, Any], manifest: Manifest, at: Cursor) -> FileRows | None:
    """The rows of a file axis, or None with problems."""
    for key in table:
        if key not in KEYS:
            at.add(f"unknown key '{key}'", did_you_mean(key, sorted(KEYS)))
    if not _is_well_shaped(table, at):
        return None
    name = table["file"]
    # All of it is read at once: what is hashed must be what is parsed, even if somebody is writing the file.
    if (data := _read_bytes(name, manifest, at)) is None:
        return None
    before = at.problems.count
    rows = _parse(TableSource.of(table, at), data)
    if at.problems.count == before:
        rows = _filtered(rows, table.get("where", {}), at.child("where"))
    return FileRows(rows, PlanFile(name, sha256(data).hexdigest())) if at.problems.count == before else None


def _is_well_shaped(table: dict[str, Any], at: Cursor) -> bool:
    """Whether each key has a value of its type; axes are ``Any`` to pydantic, as they may be lists or tables."""
    before = at.problems.count
    for key in ("types", "rename", "missing", "where"):
        if not isinstance(value := table.get(key, {}), dict):
            fact = f"{shown(value)} is not a table"
            at.child(key).add(fact, f"write {key} = {{ column = … }}")
    for key in ("types", "rename"):
        value = table.get(key, {})
        for text in value.values() if isinstance(value, dict) else ():
            if not isinstance(text, str):
                at.child(key).add(f"{shown(text)} is not a string", "put it in quotes")
    columns = table.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        fact = f"{shown(columns)} is not a list of strings"
        at.child("columns").add(fact, 'write columns = ["…"]')
    return at.problems.count == before


def _read_bytes(name: str, manifest: Manifest, at: Cursor) -> bytes | None:
    """The content of a data file, or of standard input; None after a problem."""
    data = _piped(manifest, at) if name == "-" else _content(name, manifest, at)
    if data is not None and len(data) > MOST_DATA_BYTES:
        at.add(f"{name} has more than {MOST_DATA_BYTES:,} bytes", "split or filter it first")
        return None
    return data


def _piped(manifest: Manifest, at: Cursor) -> bytes | None:
    if manifest.stdin is None:
        at.add("nothing on standard input", "pipe JSON Lines into the command")
    return manifest.stdin


def _content(name: str, manifest: Manifest, at: Cursor) -> bytes | None:
    try:
        with open_regular(manifest.directory / name) as file:
            return file.read(MOST_DATA_BYTES + 1)
    except UsageError as error:  # a device or a pipe: it may never end, or never begin
        at.add(f"{name} is {error.problems[0].fact.removeprefix('this is ')}", "pass the path of a file")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        at.add(f"{name} cannot be read: {reason}", "check the path, which is relative to the manifest")
    return None


def _parse(source: TableSource, data: bytes) -> list[Row]:
    if source.name.endswith(".parquet"):
        return parquet_rows(source, data)
    try:
        # Excel writes a byte order mark, which would become part of the first column's name.
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        source.line(line).add("not UTF-8", "save the file as UTF-8")
        return []
    if source.name == "-" or source.name.endswith((".jsonl", ".ndjson")):
        return json_rows(source, text)
    return csv_rows(source, text)


def _filtered(rows: list[Row], where: dict[str, Any], at: Cursor) -> list[Row]:
    """The rows that pass every test."""
    tests, before = [], at.problems.count
    for column, test in where.items():
        kinds = {kind_of(row.get(column)) for row in rows}  # JSON's rows may differ
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        if rows and column not in rows[0]:
            at.add(f"no column '{column}' (it has {shown_columns(rows[0])})")
        elif len(kinds) > 1:
            at.add(f"the values of '{column}' are not all of one kind", "use one kind per column")
        elif kind is not None and (matches := compile_test(test, kind, at.as_rule().child(column))):
            tests.append((column, matches))
    if at.problems.count > before:
        return []
    kept = [row for row in rows if all(matches(row[column]) for column, matches in tests)]
    if rows and where and not kept and not at.problems:
        at.add("matches no row", "loosen the test")
    return kept
