"""A batch in Python, from its ledger alone: its runs, its summary, and rows for a data frame."""

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
    """A batch as its ledger describes it. Make one with ``open``; it reads the ledger anew each time it is asked."""

    path: Path
    name: str = field(compare=False)

    @classmethod
    def open(cls, path: str | Path, *, emulator: bool = False) -> Self:
        """The batch of a ledger, or of the sweep that a ledger lies beside; ``emulator`` means that of its emulator runs.

        Raises:
            LedgerError: the file cannot be read, is not a ledger of this format, or is damaged; the sweep has none.

        """
        ledger = find_ledger(Path(path), emulator=emulator)
        return cls(ledger, read_summary(ledger).name)

    @override
    def __repr__(self) -> str:
        return f"<Batch {self.name} in {self.path}>"

    def runs(self) -> list[RunRow]:
        """The runs that the ledger has an event of, in the order of their first one.

        Raises:
            LedgerError: as for ``open``.

        """
        return read_rows(self.path).rows

    def summary(self) -> Summary:
        """Counts, reasons, sessions and rates.

        Raises:
            LedgerError: as for ``open``.

        """
        return read_summary(self.path)

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat dictionary a run, as for ``pandas.DataFrame(batch.to_rows())``: durations in seconds, times as text.

        The values of the axes follow as ``point.region``, ``point.site.id`` and so on.

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
