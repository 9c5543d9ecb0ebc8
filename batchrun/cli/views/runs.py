"""Runs as lines for people, as rows of CSV, and as JSON."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from batchrun.cli.text import one_line
from batchrun.report.columns import Column
from batchrun.report.export import guarded
from batchrun.report.rows import RunRow

__all__ = ["csv_lines", "json_rows", "run_lines"]

LONGEST = 120
"""Characters of a cell; ``--json`` and ``--csv`` have the whole text."""
GAP = 2
LEAST = {"reason": 12, "name": 16}
"""Columns that are cut to fit a terminal, in this order, and to how many characters at least."""


def run_lines(rows: Sequence[RunRow], columns: Sequence[Column], width: int | None) -> Iterator[str]:
    """The head, and a line for each run; cut to ``width`` as far as its columns allow, if there is one."""
    cells = [[column.name for column in columns]]
    cells += [[one_line(_clipped(column.text(row), LONGEST)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if width is not None:
        widths = _fitted(widths, [column.name for column in columns], width)
    for line in cells:
        padded = (_padded(text, size, column) for text, size, column in zip(line, widths, columns, strict=True))
        yield (" " * GAP).join(padded).rstrip()


def _fitted(widths: list[int], names: list[str], width: int) -> list[int]:
    """Widths that add up to ``width``, if cutting the columns in ``LEAST`` can do it."""
    fitted = list(widths)
    for name, least in LEAST.items():
        excess = sum(fitted) + GAP * (len(fitted) - 1) - width
        if excess > 0 and name in names:
            at = names.index(name)
            fitted[at] = max(min(fitted[at], least), fitted[at] - excess)
    return fitted


def _padded(text: str, width: int, column: Column) -> str:
    clipped = _clipped_inside(text, width) if column.name == "name" else _clipped(text, width)
    return clipped.rjust(width) if column.is_number else clipped.ljust(width)


def csv_lines(rows: Iterable[RunRow], columns: Sequence[Column]) -> Iterable[str]:
    """The header and the rows, in which no text is evaluated by a spreadsheet or obeyed by a terminal."""
    yield _csv_line(column.name for column in columns)
    for row in rows:
        yield _csv_line(guarded({column.name: column.value(row) for column in columns}).values())


def json_rows(rows: Iterable[RunRow], columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [{**{column.name: column.value(row) for column in columns}, "point": row.point} for row in rows]


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _clipped_inside(text: str, length: int) -> str:
    """A name without its middle: what it begins and ends with tells runs apart."""
    head = (length - 1) // 2
    return text if len(text) <= length else f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"
