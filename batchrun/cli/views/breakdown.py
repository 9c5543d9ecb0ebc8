"""Counts by axis values: a table for one axis, a heat map for two."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table as Grid
from rich.text import Text

from batchrun.cli.output import Table
from batchrun.cli.text import one_line
from batchrun.report.breakdown import Breakdown, Counts
from batchrun.report.run_label import RunGroup
from batchrun.report.wording import percent

__all__ = ["breakdown_table", "cell_style", "cell_text", "heat_map", "heat_map_table"]

TITLE = "completed/total, !failed"
"""Of a heat map; its corner has the axes."""
MOST_ROWS = 40
"""Values in a table for people: those with the most failures. ``--json`` has them all."""
LIGHT, DARK = (64, 145, 108), (27, 67, 50)
"""Green for a cell whose runs all completed; the darker, the fewer have ended."""
WARM, HOT = (176, 137, 47), (157, 2, 8)
"""From amber to red with the share of failures."""
_GROUPS = (RunGroup.COMPLETED, RunGroup.FAILED, RunGroup.CANCELLED, RunGroup.ACTIVE, RunGroup.NOT_CREATED)
Color = tuple[int, int, int]


def breakdown_table(found: Breakdown) -> Table:
    """A row for each combination of values, with the counts by group and the share of failures."""
    shown = [group for group in _GROUPS if found.total.groups.get(group)]
    cells = list(found.cells.items())
    rest: list[tuple[tuple[str, ...], Counts]] = []
    if len(cells) > MOST_ROWS:
        # Those with the most failures, in the order that they have among all.
        kept = sorted(range(len(cells)), key=lambda number: (-cells[number][1].failed, number))[:MOST_ROWS]
        rest = [cell for number, cell in enumerate(cells) if number not in set(kept)]
        cells = [cells[number] for number in sorted(kept)]
    rows = [(*values, *_counts_row(counts, shown)) for values, counts in cells]
    if rest:
        others = Counts(
            total=sum(counts.total for _, counts in rest),
            labels={},
            groups={group: sum(counts.groups.get(group, 0) for _, counts in rest) for group in shown},
        )
        rows.append((f"{len(rest):,} others", *[""] * (len(found.axes) - 1), *_counts_row(others, shown)))
    rows.append(("all", *[""] * (len(found.axes) - 1), *_counts_row(found.total, shown)))
    numbers = ("runs", *(group.value for group in shown), "failure rate")
    return Table(title=", ".join(found.axes), head=(*found.axes, *numbers), rows=tuple(rows), right=frozenset(numbers))


def _counts_row(counts: Counts, shown: Sequence[RunGroup]) -> tuple[str, ...]:
    share = counts.failed_share
    groups = (f"{counts.groups.get(group, 0):,}" for group in shown)
    return (f"{counts.total:,}", *groups, "" if share is None else percent(share))


def heat_map_table(found: Breakdown) -> Table:
    """Two axes as plain text: completed of all runs, and how many failed."""
    columns = found.values(1)
    rows = tuple(
        (value, *(cell_text(found.cells.get((value, column))) for column in columns)) for value in found.values(0)
    )
    head = (f"{found.axes[0]} \\ {found.axes[1]}", *columns)
    return Table(title=TITLE, head=head, rows=rows, right=frozenset(columns))


def heat_map(found: Breakdown) -> RenderableType:
    """Two axes as a grid of colored cells: red with the share of failures, green where all is well."""
    columns = found.values(1)
    grid = Grid(box=None, padding=0)
    grid.add_column(Text(f"{found.axes[0]} \\ {found.axes[1]}", style="bold"), no_wrap=True)
    # No padding between the columns: the cells' own spaces are colored as well.
    for column in columns:
        grid.add_column(Text(f"{one_line(column)} "), justify="right", no_wrap=True)
    for value in found.values(0):
        cells = [found.cells.get((value, column)) for column in columns]
        grid.add_row(Text(one_line(value)), *(Text(f" {cell_text(cell)} ", cell_style(cell)) for cell in cells))
    return Group(Text(TITLE, style="bold"), grid)  # a table's own title is wrapped to the table's width


def cell_text(counts: Counts | None) -> str:
    """``10/12 !2``: completed of all, and the failed ones if there are any; empty where no run has these values."""
    if counts is None:
        return ""
    failed = f" !{counts.failed:,}" if counts.failed else ""
    return f"{counts.groups.get(RunGroup.COMPLETED, 0):,}/{counts.total:,}{failed}"


def cell_style(counts: Counts | None) -> Style:
    """The background of a cell; none while nothing has ended."""
    if counts is None or not counts.ended:
        return Style()
    share = counts.failed_share or 0.0
    color = _mixed(WARM, HOT, share) if counts.failed else _mixed(DARK, LIGHT, counts.ended / counts.total)
    return Style(color="white", bgcolor=f"#{color[0]:02x}{color[1]:02x}{color[2]:02x}")


def _mixed(low: Color, high: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue
