"""A data file as the manifest describes it: its name, and the types, names and defaults of its columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from batchrun.sweep.manifest.problems import Cursor

__all__ = ["Row", "TableSource"]

Row = dict[str, Any]


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
                at.add(f"no column '{column}' in {self.name} (it has {', '.join(columns)})")
