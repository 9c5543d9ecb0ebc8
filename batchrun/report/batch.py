"""The Python view of a batch, from its ledger alone: runs, summary, and rows for a data frame."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from typing_extensions import override

from batchrun.ledger.find import find_ledger
from batchrun.report.axis_values import flat_point
from batchrun.report.columns import COLUMNS
from batchrun.report.html.inline import show
from batchrun.report.rows import RunRow, read_rows
from batchrun.report.summary import Summary, read_summary

__all__ = ["Batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as recorded in its ledger. Create one with ``open``; every method rereads the ledger."""

    path: Path
    name: str = field(compare=False)

    @classmethod
    def open(cls, path: str | Path, *, emulator: bool = False) -> Self:
        """Open the batch of a ledger, or of the sweep next to it; ``emulator`` selects the sweep's emulator ledger.

        Raises:
            LedgerError: the file cannot be read, is not a ledger of this format, or is damaged; or the sweep has no ledger.

        """
        ledger = find_ledger(Path(path), emulator=emulator)
        return cls(ledger, read_summary(ledger).name)

    @override
    def __repr__(self) -> str:
        return f"<Batch {self.name} in {self.path}>"

    def runs(self) -> list[RunRow]:
        """Return the runs that have an event in the ledger, in the order of their first event.

        Raises:
            LedgerError: as for ``open``.

        """
        return read_rows(self.path).rows

    def summary(self) -> Summary:
        """Summarize the batch: counts, reasons, sessions and rates.

        Raises:
            LedgerError: as for ``open``.

        """
        return read_summary(self.path)

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat dictionary per run, for example for ``pandas.DataFrame(batch.to_rows())``.

        Durations are in seconds, times are text. Axis values are named ``point.region``, ``point.site.id`` and so on.

        Raises:
            LedgerError: as for ``open``.

        """
        return [
            {name: column.value(row) for name, column in COLUMNS.items()}
            | {f"point.{axis}": value for axis, value in flat_point(row.point)}
            for row in self.runs()
        ]

    def _repr_html_(self) -> str:
        return show(self.path).html
