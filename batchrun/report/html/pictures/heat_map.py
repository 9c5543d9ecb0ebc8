"""A heat map: one cell for each combination of two axes' values, colored by level and with its number in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians

from markupsafe import Markup

from batchrun.report.html.pictures.scales import LEVELS
from batchrun.report.html.pictures.svg import TEXT_PX, element, fitted, joined, number, picture, text_width

__all__ = ["Frame", "HeatCell", "HeatMap", "frame_of", "heat_map"]

CELL_HEIGHT = 26.0
NARROWEST, WIDEST = 52.0, 96.0
"""Of a cell: room for seven characters, and no wider than a column of a table."""
LABEL_WIDTH = 150.0
GAP = 8.0
SLANT_DEG = 40
LEGEND_HEIGHT = 34.0
SWATCH = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """``level`` from 0 to 9, or None where nothing is known; ``text`` is what is written in the cell."""

    level: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """``cells`` by column and row; combinations without runs are left out and drawn empty."""

    title: str
    description: str
    scale: str
    """The family of colors: ``f`` for failures, ``d`` for durations, ``m`` for money."""
    x_name: str
    y_name: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: dict[tuple[int, int], HeatCell]
    low: str
    """What the scale's ends mean."""
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the grid lies, in pixels; the script reads it to find the cell under the pointer."""

    left: float
    top: float
    cell: float
    """The width of a cell."""
    width: float
    height: float
    slanted: bool
    """Column labels are slanted, because they would not fit side by side."""


def frame_of(heat: HeatMap) -> Frame:
    """The layout for its labels."""
    columns, rows, y_name = heat.columns, heat.rows, heat.y_name
    longest_row = max(map(text_width, (*rows, y_name)), default=0.0)
    left = min(LABEL_WIDTH, longest_row) + GAP
    longest = max(map(text_width, columns), default=0.0)
    cell = min(max(longest + GAP, NARROWEST), WIDEST)
    slanted = longest + GAP > cell
    if slanted:
        cell = NARROWEST
    label = min(longest, LABEL_WIDTH)
    label_height = label * cos(radians(90 - SLANT_DEG)) + TEXT_PX if slanted else TEXT_PX
    overhang = max(0.0, label * cos(radians(SLANT_DEG)) - cell / 2 + TEXT_PX) if slanted else 0.0
    top = TEXT_PX + GAP + label_height + GAP
    grid = cell * len(columns)
    ends = text_width(heat.low) + text_width(heat.high) + 2 * GAP
    width = left + max(grid + overhang, SWATCH * LEVELS + ends, text_width(fitted(heat.x_name, LABEL_WIDTH)))
    return Frame(left=left, top=top, cell=cell, slanted=slanted, width=width,
                 height=top + CELL_HEIGHT * len(rows) + LEGEND_HEIGHT)  # fmt: skip


def heat_map(heat: HeatMap) -> Markup:
    """The picture. Its ``data-`` attributes say where the grid lies."""
    frame = frame_of(heat)
    parts = [*_names(heat, frame), *_column_labels(heat, frame), *_row_labels(heat, frame)]
    parts += [element("g", joined(_cells(heat, frame)), class_=f"cells {heat.scale}"), _legend(heat, frame)]
    return picture(
        parts, width=frame.width, height=frame.height, title=heat.title, description=heat.description,
        data_grid=" ".join(map(number, (frame.left, frame.top, frame.cell, CELL_HEIGHT))),
    )  # fmt: skip


def _names(heat: HeatMap, frame: Frame) -> Iterator[Markup]:
    """The names of both axes, above the columns and above the rows' labels."""
    across = fitted(heat.x_name, max(LABEL_WIDTH, frame.width - frame.left))
    yield element("text", across, x=frame.left, y=TEXT_PX, class_="axis")
    if heat.y_name:
        down = fitted(heat.y_name, frame.left - GAP)
        yield element("text", down, x=frame.left - GAP, y=frame.top - GAP, class_="axis end")


def _column_labels(heat: HeatMap, frame: Frame) -> Iterator[Markup]:
    y = frame.top - GAP
    for i, label in enumerate(heat.columns):
        x = frame.left + frame.cell * (i + 0.5)
        if frame.slanted:
            turn = f"translate({number(x)} {number(y)}) rotate(-{SLANT_DEG})"
            yield element("text", fitted(label, LABEL_WIDTH), transform=turn)
        else:
            yield element("text", fitted(label, frame.cell), x=x, y=y, class_="mid")


def _row_labels(heat: HeatMap, frame: Frame) -> Iterator[Markup]:
    for i, label in enumerate(heat.rows):
        y = frame.top + CELL_HEIGHT * (i + 0.5)
        yield element("text", fitted(label, LABEL_WIDTH), x=frame.left - GAP, y=y, class_="end low")


def _cells(heat: HeatMap, frame: Frame) -> Iterator[Markup]:
    """Every place of the grid once; the number follows its cell, so that one rule gives it a color that can be read."""
    for row in range(len(heat.rows)):
        y = frame.top + CELL_HEIGHT * row
        for column in range(len(heat.columns)):
            x = frame.left + frame.cell * column
            cell = heat.cells.get((column, row))
            level = "n" if cell is None or cell.level is None else str(cell.level)
            # A path is a third shorter than a rect, and a page may hold thousands of them.
            box = f"M{number(x)} {number(y)}h{number(frame.cell)}v{number(CELL_HEIGHT)}h-{number(frame.cell)}z"
            yield element("path", d=box, class_=f"l{level}")
            if cell is not None:
                yield element("text", cell.text, x=x + frame.cell / 2, y=y + CELL_HEIGHT / 2)


def _legend(heat: HeatMap, frame: Frame) -> Markup:
    """The scale from its least to its greatest, with both ends in words."""
    y = frame.height - LEGEND_HEIGHT / 2
    x = frame.left + text_width(heat.low) + GAP
    swatches = joined(
        element("path", d=f"M{number(x + SWATCH * i)} {number(y - 6)}h{number(SWATCH)}v12h-{number(SWATCH)}z",
                class_=f"l{i}")
        for i in range(LEVELS)
    )  # fmt: skip
    low = element("text", heat.low, x=frame.left, y=y, class_="low")
    high = element("text", heat.high, x=x + SWATCH * LEVELS + GAP, y=y, class_="low")
    return joined([low, element("g", swatches, class_=f"legend {heat.scale}"), high])
