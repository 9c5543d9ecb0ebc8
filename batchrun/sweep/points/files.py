"""Points from files: CSV, JSON Lines, Parquet, standard input. Typed, hashed, with line numbers in what is wrong."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from batchrun.sweep.manifest.manifest import NAME, Manifest
from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.points.matching import compile_test
from batchrun.sweep.values import TypedFloat, is_text, kind_of, shown

__all__ = ["PlanFile", "file_rows"]


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A file that the plan depends on, and its SHA-256 in hex; an environment variable stands as ``env.NAME``."""

    path: str
    sha256: str


KEYS = {"file", "types", "columns", "rename", "where", "missing"}
Row = dict[str, Any]
MAX_TOLD = 20


def _boolean(text: str) -> bool:
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


def file_rows(
    source: dict[str, Any], place: str, manifest: Manifest, files: list[PlanFile], problems: Problems
) -> list[Row] | None:
    """The rows of a file axis, as records, or None when something is wrong with it."""
    for key in source.keys() - KEYS:
        problems.add(place, f"unknown key '{key}'", did_you_mean(key, sorted(KEYS)))
    name = source["file"]
    if not _is_well_shaped(source, place, problems):
        return None
    if (data := _bytes(name, place, manifest, problems)) is None:
        return None
    files.append(PlanFile(name, sha256(data).hexdigest()))
    before = problems.count
    rows = _rows(name, data, source, place, problems)
    if problems.count > before:
        return None
    kept = _filtered(rows, source.get("where", {}), place, problems)
    return None if problems.count > before else kept


def _is_well_shaped(source: dict[str, Any], place: str, problems: Problems) -> bool:
    before = problems.count
    for key in ("types", "rename", "missing", "where"):
        if not isinstance(source.get(key, {}), dict):
            problems.add(f"{place}.{key}", f"{shown(source[key])[:60]} is no table", f"write {key} = {{ column = … }}")
    for key in ("types", "rename"):
        table = source.get(key, {})
        for value in table.values() if isinstance(table, dict) else ():
            if not isinstance(value, str):
                problems.add(f"{place}.{key}", f"{shown(value)[:60]} is no string", "put it in quotes")
    columns = source.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        problems.add(f"{place}.columns", f"{shown(columns)[:60]} is no list of strings", 'write columns = ["…"]')
    return problems.count == before


def _bytes(name: str, place: str, manifest: Manifest, problems: Problems) -> bytes | None:
    if name == "-":
        if manifest.stdin is None:
            problems.add(place, "nothing came on standard input", "pipe JSON Lines into the command")
        return manifest.stdin
    try:
        return (manifest.directory / name).read_bytes()
    except OSError as error:
        problems.add(place, f"{name} cannot be read: {error.strerror}", "the path is relative to the manifest")
        return None


def _rows(name: str, data: bytes, source: dict[str, Any], place: str, problems: Problems) -> list[Row]:
    if name.endswith(".parquet"):
        return _parquet(name, data, source, place, problems)
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.add(f"{name}:{line}", "not UTF-8", "save the file as UTF-8")
        return []
    if name == "-" or name.endswith((".jsonl", ".ndjson")):
        return _columns(_jsonl(name, text, problems), source, place, name, problems)
    return _csv(name, text, source, place, problems)


def _csv(name: str, text: str, source: dict[str, Any], place: str, problems: Problems) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _header(next(reader, None), source, place, name, problems)
        if header is None:
            return []
        read = _cells(header, source, name, place, problems)
        return [row for row in (read(cells, reader.line_num) for cells in reader if cells) if row is not None]
    except csv.Error as error:
        problems.add(f"{name}:{reader.line_num}", f"not CSV: {error}", "mend the file")
        return []


def _header(
    cells: list[str] | None, source: dict[str, Any], place: str, name: str, problems: Problems
) -> list[str] | None:
    if not cells:
        problems.add(name, "it has no header", "write the columns' names on its first line")
        return None
    rename = source.get("rename", {})
    _check_named(rename, cells, f"{place}.rename", name, problems)
    header = [rename.get(cell, cell) for cell in cells]
    for column in header:
        if not NAME.fullmatch(column) and ("columns" not in source or column in source["columns"]):
            problems.add(f"{name}:1", f"the column '{column}' is no identifier", "give it another name with rename")
    if doubled := sorted({column for column in header if header.count(column) > 1}):
        problems.add(f"{name}:1", f"the column '{doubled[0]}' stands twice", "give one another name with rename")
        return None
    for key in ("types", "columns", "missing", "where"):
        _check_named(source.get(key, {}), header, f"{place}.{key}", name, problems)
    return header


def _check_named(named: Any, columns: list[str], place: str, name: str, problems: Problems) -> None:
    for column in named:
        if column not in columns:
            problems.add(place, f"no column '{column}' in {name} (it has {', '.join(columns)})")


def _cells(
    header: list[str], source: dict[str, Any], name: str, place: str, problems: Problems
) -> Callable[[list[str], int], Row | None]:
    """Reads one row's cells; what is wrong with it is told with its line."""
    types, missing = source.get("types", {}), source.get("missing", {})
    for column, kind in types.items():
        if kind not in CASTS:
            problems.add(f"{place}.types", f"unknown type '{kind}' for {column}", did_you_mean(str(kind), list(CASTS)))
    columns = source.get("columns", header)
    casts = [
        (column, header.index(column), CASTS.get(types.get(column, "string"), str), types.get(column, "string"))
        for column in columns
        if column in header
    ]

    def read(cells: list[str], line: int) -> Row | None:
        if len(cells) != len(header):
            problems.add(f"{name}:{line}", f"{len(cells)} cells, the header has {len(header)}")
            return None
        row: Row = {}
        for column, at, cast, kind in casts:
            text = cells[at]
            if text == "" and (kind != "string" or column in missing):
                if column not in missing:
                    problems.add(f"{name}:{line}", f"{column} is empty", f"fill it, or set missing.{column}")
                row[column] = missing.get(column)
                continue
            try:
                row[column] = value = cast(text)
            except ValueError:
                problems.add(f"{name}:{line}", f"{column}: '{text}' is no {kind}", "mend the cell")
                return None
            if kind_of(value) is None:
                problems.add(f"{name}:{line}", f"{column}: '{text}' is no finite number", "mend the cell")
        return row

    return read


def _jsonl(name: str, text: str, problems: Problems) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=TypedFloat.parse)
        except (ValueError, RecursionError) as error:
            problems.add(f"{name}:{number}", f"not JSON: {error}", "write one flat object a line")
            continue
        if not isinstance(row, dict) or any(isinstance(value, dict | list) for value in row.values()):
            problems.add(f"{name}:{number}", "not a flat object", "write one flat object a line")
            continue
        if "\\u" in line and not is_text(json.dumps(row, ensure_ascii=False)):
            problems.add(f"{name}:{number}", "half a surrogate pair", "write the character in full")
            continue
        yield number, row


def _columns(
    rows: Iterator[tuple[int, Row]], source: dict[str, Any], place: str, name: str, problems: Problems
) -> list[Row]:
    """Renamed, chosen and filled rows of a source that has types of its own."""
    rename, missing, wanted = source.get("rename", {}), source.get("missing", {}), source.get("columns")
    if "types" in source:
        problems.add(f"{place}.types", "only CSV needs types", "drop it: the values are typed already")
    kept: list[Row] = []
    for number, raw in rows:
        row = {rename.get(key, key): value for key, value in raw.items()}
        row = {key: missing[key] if value is None and key in missing else value for key, value in row.items()}
        row = {**{key: value for key, value in missing.items() if key not in row}, **row}
        if wanted is not None:
            for column in (column for column in wanted if column not in row):
                problems.add(f"{name}:{number}", f"no '{column}' (it has {', '.join(row)})", f"set missing.{column}")
            row = {column: row.get(column) for column in wanted}
        for key in (key for key, value in row.items() if value is None):
            problems.add(f"{name}:{number}", f"{key} is null", f"fill it, or set missing.{key}")
        kept.append(row)
    return kept


def _parquet(name: str, data: bytes, source: dict[str, Any], place: str, problems: Problems) -> list[Row]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra, loaded only where it is used
    except ImportError:
        problems.add(place, f"{name} needs pyarrow", "pip install 'batchrun[parquet]'")
        return []
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (ArrowException, OSError) as error:
        problems.add(name, f"not Parquet: {str(error).splitlines()[0]}", "mend the file")
        return []
    return _columns(iter(enumerate(table.to_pylist(), 1)), source, place, name, problems)


def _filtered(rows: list[Row], where: dict[str, Any], place: str, problems: Problems) -> list[Row]:
    tests, before = [], problems.count
    for column, test in where.items():
        kinds = {kind_of(row.get(column)) for row in rows}
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        if rows and column not in rows[0]:
            problems.add(f"{place}.where", f"no column '{column}' (it has {', '.join(rows[0])})")
        elif len(kinds) > 1:
            problems.add(f"{place}.where", f"the values of '{column}' are not all of one kind", "use one kind a column")
        elif kind is not None and (matches := compile_test(test, kind, f"{place}.where: {column}", problems)):
            tests.append((column, matches))
    if problems.count > before:
        return []
    kept = [row for row in rows if all(matches(row[column]) for column, matches in tests)]
    if rows and where and not kept and not problems:
        problems.add(f"{place}.where", "matches no row", "loosen it")
    return kept
