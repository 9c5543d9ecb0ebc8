"""Heat maps over pairs of axes: three pairs as pictures, the others as counts for the page's script."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from batchrun.report.axis_bins import Axis
from batchrun.report.html.overview import cell_place
from batchrun.report.html.pictures.heat_map import HeatCell, HeatMap, heat_map
from batchrun.report.html.pictures.scales import Range, range_of, share_level
from batchrun.report.pairs import Cell, Pair
from batchrun.report.wording import numbered, percent, short_amount, short_span

__all__ = ["DRAWN", "Measure", "PairView", "chooser_data", "measures_of", "pair_view"]

DRAWN = 3
"""Pairs drawn as pictures; more would be looked at by nobody, and the others can be chosen."""
UNKNOWN = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One way to look at a cell."""

    key: str
    """Names the family of colors, and the measure in the page: ``f``, ``d``, ``m``."""
    name: str
    value: Callable[[Cell], float | None]
    text: Callable[[float], str]


def _failed_share(cell: Cell) -> float | None:
    return cell.failed / cell.ended if cell.ended else None


FAILED = Measure(key="f", name="Failure rate", value=_failed_share, text=percent)
WORK = Measure(key="d", name="Median run time", value=lambda cell: cell.median_s, text=short_span)


def _money(currency: str | None) -> Measure:
    name = f"Cost, {currency}" if currency else "Spatial units" if currency is None else "Cost"
    return Measure(key="m", name=name, value=lambda cell: cell.cost, text=short_amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairView:
    """One pair of axes as pictures, one for each measure."""

    number: int
    title: str
    axes: tuple[int, int | None]
    """The numbers of its axes, for the script."""
    finding: str
    pictures: tuple[tuple[Measure, Markup], ...]


def measures_of(pairs: Sequence[Pair], currency: str | None) -> tuple[Measure, ...]:
    """The measures of which anything is known; failures first if there are any."""
    cells = [cell for pair in pairs for cell in pair.cells.values()]
    known = [one for one in (FAILED, WORK, _money(currency)) if any(one.value(cell) is not None for cell in cells)]
    if not any(cell.failed for cell in cells):
        known.sort(key=lambda measure: measure is FAILED)
    return tuple(known)


def pair_view(number: int, pair: Pair, measures: Sequence[Measure], axes: Sequence[Axis]) -> PairView:
    """The pair's pictures; ``axes`` are numbered for the script."""
    numbers = [axes.index(axis) for axis in pair.axes]
    return PairView(
        number=number,
        title=" × ".join(axis.name for axis in pair.axes),
        axes=(numbers[0], numbers[1] if len(numbers) > 1 else None),
        finding=_finding(pair),
        pictures=tuple((measure, _picture(pair, measure)) for measure in measures),
    )


def _picture(pair: Pair, measure: Measure) -> Markup:
    scale, low, high = _scale(pair, measure)
    cells = {where: _cell(cell, measure, scale) for where, cell in pair.cells.items()}
    x: Axis | None = pair.x
    y = pair.y or pair.x
    if x is y:  # one column, since labels beside each other would need more room than there is
        cells, x = {(0, number): cell for (number, _), cell in cells.items()}, None
    return heat_map(
        HeatMap(
            title=f"{measure.name} by {' and '.join(axis.name for axis in pair.axes)}",
            description=_description(pair, measure),
            scale=measure.key,
            x_name=x.name if x is not None else "",
            y_name=y.name,
            columns=tuple(one.label for one in x.bins) if x is not None else ("all",),
            rows=tuple(one.label for one in y.bins),
            cells=cells,
            low=low,
            high=high,
        )
    )


def _scale(pair: Pair, measure: Measure) -> tuple[Callable[[float], int], str, str]:
    if measure is FAILED:
        return share_level, percent(0), percent(1)
    scale: Range = range_of(value for cell in pair.cells.values() if (value := measure.value(cell)) is not None)
    return scale.level, measure.text(scale.low), measure.text(scale.high)


def _cell(cell: Cell, measure: Measure, level: Callable[[float], int]) -> HeatCell:
    value = measure.value(cell)
    return (
        HeatCell(level=None, text=UNKNOWN) if value is None else HeatCell(level=level(value), text=measure.text(value))
    )


def _description(pair: Pair, measure: Measure) -> str:
    """The cells with the greatest values, for those who cannot see the picture."""
    known = [(value, where) for where, cell in pair.cells.items() if (value := measure.value(cell)) is not None]
    top = sorted(known, reverse=True)[:3]
    return "Highest: " + "; ".join(f"{cell_place(pair, where)}: {measure.text(value)}" for value, where in top)


def _finding(pair: Pair) -> str:
    if pair.worst is not None and pair.log_p < 0:
        cell = pair.cells[pair.worst]
        return f"{cell_place(pair, pair.worst)}: {cell.failed:,} of {numbered(cell.ended, 'run')} failed"
    return ""


def chooser_data(pairs: Sequence[Pair], axes: Sequence[Axis], measures: Sequence[Measure]) -> dict[str, Any]:
    """Counts of every pair for the script: by the numbers of two axes a list of cells, each a list of numbers."""
    return {
        "axes": [{"name": axis.name, "bins": [one.label for one in axis.bins]} for axis in axes],
        "measures": [[measure.key, measure.name] for measure in measures],
        "pairs": {",".join(str(axes.index(axis)) for axis in pair.axes): list(_cell_numbers(pair)) for pair in pairs},
    }


def _cell_numbers(pair: Pair) -> Iterator[list[float | None]]:
    for (column, row), cell in pair.cells.items():
        yield [column, row, cell.runs, cell.ended, cell.failed, cell.median_s, cell.cost]
