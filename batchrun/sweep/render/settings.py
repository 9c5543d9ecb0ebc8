"""``[run]`` merged with overrides: which table each setting comes from, and its place in the manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batchrun.sweep.manifest.problems import Cursor, Problems
from batchrun.sweep.manifest.tables import OverrideTable, RunTable

__all__ = ["RunSettings"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``[run]`` and the overrides that apply to a point, in file order; the last one wins."""

    run: RunTable
    overrides: list[tuple[Cursor, OverrideTable]]
    problems: Problems

    def get(self, key: str) -> tuple[Any, Cursor]:
        """A setting and where it comes from; None if nobody sets it."""
        for at, table in reversed(self.overrides):
            if (value := getattr(table, key)) is not None:
                return value, at.child(key)
        return getattr(self.run, key), self.problems.at("run").child(key)

    def get_list(self, key: str) -> Iterator[tuple[Any, Cursor]]:
        """The elements of ``args`` or ``dependencies``, then those that overrides add with ``add_args`` and the like."""
        values, at = self.get(key)
        for n, value in enumerate(values or []):
            yield value, at.index(n)
        for override, table in self.overrides:
            for n, value in enumerate(getattr(table, f"add_{key}")):
                yield value, override.child(f"add_{key}").index(n)

    def spark(self) -> dict[str, tuple[Any, Cursor]]:
        """Spark settings by dotted key. Overrides merge: who raises one setting does not mean to drop the others."""
        merged = self._flat(self.run.spark, self.problems.at("run").child("spark"))
        for at, table in self.overrides:
            merged |= self._flat(table.spark, at.child("spark"))
        return merged

    @staticmethod
    def _flat(table: dict[str, Any], at: Cursor) -> dict[str, tuple[Any, Cursor]]:
        flat: dict[str, tuple[Any, Cursor]] = {}
        for key, value in _dotted(table):
            if key in flat:
                at.child(key).add("the key appears twice, nested and in quotes", "remove one")
            flat[key] = (value, at.child(key))
        return flat


def _dotted(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted keys: without quotes, TOML reads ``spark.sql.x = 1`` as tables."""
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _dotted(value, f"{name}.")
        else:
            yield name, value
