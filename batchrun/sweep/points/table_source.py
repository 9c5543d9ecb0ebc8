"""A data file as the manifest describes it: its name, and the types, names and defaults of its columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from batchrun.redaction import clipped
from batchrun.sweep.manifest.problems import Cursor

__all__ = ["Row", "TableSource", "shown_columns"]

Row = dict[str, Any]

MOST_COLUMNS = 40
LONGEST_COLUMN = 60
"""Of what an error shows: a file that is no table can have a header of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """``[axes.NAME]`` with a ``file``; ``types``, ``columns`` and ``missing`` use the names after ``rename``."""

    at: Cursor
    name: str
    types: dict[str, str] | None
    columns: list[str] | None
    rename: dict[str, str]
    missing: Row
    where: Row

    @classmethod
    def of(cls, table: dict[str, Any], at: Cursor) -> "TableSource":
        return cls(
            at=at,
            name=table["file"],
            types=table.get("types"),
            columns=table.get("columns"),
            rename=table.get("rename", {}),
            missing=table.get("missing", {}),
            where=table.get("where", {}),
        )

    def line(self, number: int) -> Cursor:
        """A line of the file, as the place of a problem."""
        return self.at.elsewhere(f"{self.name}:{number}")

    def check_columns(self, named: Iterable[str], columns: list[str], at: Cursor) -> None:
        """Report every name that is not one of the file's columns."""
        for column in named:
            if column not in columns:
                at.add(f"no column '{column}' in {self.name} (it has {shown_columns(columns)})")


def shown_columns(columns: Iterable[str]) -> str:
    """Names of columns as an error shows them."""
    names = list(columns)
    more = f", and {len(names) - MOST_COLUMNS:,} more" if len(names) > MOST_COLUMNS else ""
    return ", ".join(clipped(name, LONGEST_COLUMN) for name in names[:MOST_COLUMNS]) + more
