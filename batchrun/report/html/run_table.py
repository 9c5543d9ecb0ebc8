"""The table of runs, failed ones first. Rows are written without end tags: a page may hold thousands of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from batchrun.report.axis_bins import Axis
from batchrun.report.cost_totals import amount_of
from batchrun.report.failures import reason_of
from batchrun.report.html.run_links import RunLink
from batchrun.report.html.segments import style_of
from batchrun.report.html.text import clipped
from batchrun.report.rows import RunRow
from batchrun.report.run_label import RunGroup, group_of, label_of
from batchrun.report.wording import clock_span

__all__ = ["MAX_ROWS", "RunTable", "run_table"]

MAX_ROWS = 5_000
"""Browsers sort and filter this many at once without a pause; the rest is for the export."""
MAX_AXES = 4
"""Columns for axes; the names of runs usually hold their values anyway."""
NAME_CHARS, VALUE_CHARS, REASON_CHARS = 80, 28, 60
LEAST_ROOM = 400_000
"""Bytes for the rows, however large the pictures are."""
_ORDER = {
    RunGroup.FAILED: 0,
    RunGroup.NOT_CREATED: 1,
    RunGroup.ACTIVE: 2,
    RunGroup.CANCELLED: 3,
    RunGroup.COMPLETED: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTable:
    """The table's head and rows; ``columns`` pairs each name with how it is sorted: as text, number or time."""

    columns: tuple[tuple[str, str], ...]
    rows: Markup
    shown: int
    total: int
    labels: tuple[str, ...]
    """The labels that occur among the rows, for the filter."""


def run_table(
    rows: Sequence[RunRow],
    *,
    axes: Sequence[Axis],
    reason_number: Callable[[RunRow], int | None],
    link: Callable[[RunRow], RunLink],
    currency: str | None,
    room: int,
) -> RunTable:
    """The first ``MAX_ROWS`` runs, or as many as have room, in bytes.

    ``axes`` are those of the script, by number; the first of them get columns.
    """
    # Failures first: if not all rows have room, those that are left out are the least interesting.
    order = sorted(range(len(rows)), key=lambda i: _ORDER[group_of(rows[i].outcome, rows[i].status)])[:MAX_ROWS]
    has_costs = any(amount_of(rows[i], currency) is not None for i in order)
    cost_name = currency or ("SU" if currency is None else "Cost")
    columns = [("Run", "text"), ("Status", "text"), *((axis.name, "text") for axis in axes[:MAX_AXES])]
    columns += [("Waited", "time"), ("Ran", "time")]
    columns += [(cost_name, "number")] if has_costs else []
    columns += [("Reason", "text"), ("Run id", "text")]
    writer = _Writer(axes=axes, reason_number=reason_number, link=link, currency=currency, has_costs=has_costs)
    written = list(_fitting((writer.row(i, rows[i]) for i in order), max(room, LEAST_ROOM)))
    labels = dict.fromkeys(label_of(rows[i].outcome, rows[i].status) for i in order[: len(written)])
    return RunTable(
        columns=tuple(columns),
        rows=Markup("\n").join(written),
        shown=len(written),
        total=len(rows),
        labels=tuple(labels),
    )


def _fitting(rows: Iterable[Markup], room: int) -> Iterator[Markup]:
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0:
            return
        yield row


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    axes: Sequence[Axis]
    reason_number: Callable[[RunRow], int | None]
    link: Callable[[RunRow], RunLink]
    currency: str | None
    has_costs: bool

    def row(self, i: int, row: RunRow) -> Markup:
        """``data-k``: the number of the reason, then the bin on each axis: what the script filters by.

        The class is the status' color and mark, by the style sheet.
        """
        number = self.reason_number(row)
        keys = ["" if number is None else str(number), *(str(axis.bin_of[i]) for axis in self.axes)]
        cells = "<td>".join(self._cells(i, row))
        link, (style, _) = self.link(row), style_of(label_of(row.outcome, row.status))
        return Markup(  # noqa: S704 - every part is escaped
            f"<tr class={style} data-k={','.join(keys)}>"
            f"<th scope=row>{_cell(link.name, NAME_CHARS)}<td>{cells}<td>{_run_id(link)}"
        )

    def _cells(self, i: int, row: RunRow) -> Iterator[Markup]:
        yield _cell(label_of(row.outcome, row.status), VALUE_CHARS)
        for axis in self.axes[:MAX_AXES]:
            value = axis.value_of[i]
            yield _cell(axis.values[value] if value < len(axis.values) else "", VALUE_CHARS)
        yield _span(row.waited_s)
        yield _span(row.ran_s)
        if self.has_costs:
            cost = amount_of(row, self.currency)
            yield Markup("" if cost is None else f"{cost:,.2f}")  # noqa: S704 - digits
        yield _cell(_reason(row), REASON_CHARS)


def _reason(row: RunRow) -> str:
    code, message = reason_of(row)
    return message or code or "" if group_of(row.outcome, row.status) is RunGroup.FAILED else ""


def _cell(text: str, limit: int) -> Markup:
    return escape(clipped(text, limit))


def _span(seconds: float | None) -> Markup:
    return Markup("" if seconds is None else clock_span(seconds))  # noqa: S704 - digits and colons


def _run_id(link: RunLink) -> Markup:
    run_id = clipped(link.run_id, VALUE_CHARS)
    return Markup('<a href="{}">{}</a>').format(link.url, run_id) if link.url is not None else escape(run_id)
