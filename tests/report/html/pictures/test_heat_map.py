"""A heat map's cells cover its grid once, each with its number, and nothing lies outside the frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.html.pictures.heat_map import HeatCell, HeatMap, frame_of, heat_map
from batchrun.report.html.pictures.svg import text_width
from tests.report.html.pictures.drawn import SVG, boxes, read, texts

labels = st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20).map(tuple)


def heat(
    columns: tuple[str, ...] = ("us", "eu"),
    rows: tuple[str, ...] = ("2021", "2022", "2023"),
    cells: dict[tuple[int, int], HeatCell] | None = None,
) -> HeatMap:
    return HeatMap(
        title="Failure rate by region and year", description="Highest: eu, 2023: 90 %", scale="f", x_name="region",
        y_name="year", columns=columns, rows=rows, cells=cells or {}, low="0 %", high="100 %",
    )  # fmt: skip


@st.composite
def heats(draw: st.DrawFn) -> HeatMap:
    columns, rows = draw(labels), draw(labels)
    places = st.tuples(st.integers(0, len(columns) - 1), st.integers(0, len(rows) - 1))
    levels = st.integers(0, 9) | st.none()
    cells = draw(st.dictionaries(places, st.builds(HeatCell, level=levels, text=st.just("50 %")), max_size=30))
    return heat(columns, rows, cells)


@given(heats())
def test_cells_cover_the_grid_once(picture: HeatMap) -> None:
    frame, found = frame_of(picture), list(boxes(read(heat_map(picture))))
    corners = sorted((box.x, box.y) for box in found)
    height = found[0].height
    expected = sorted(
        (round(frame.left + frame.cell * column, 2), round(frame.top + height * row, 2))
        for column in range(len(picture.columns))
        for row in range(len(picture.rows))
    )
    assert corners == [pytest.approx(corner, abs=0.01) for corner in expected]
    assert {(box.width, box.height) for box in found} == {(round(frame.cell, 2), height)}


@given(heats())
def test_nothing_lies_outside_the_frame(picture: HeatMap) -> None:
    root = read(heat_map(picture))
    width, height = float(root.get("width") or 0), float(root.get("height") or 0)
    for box in (*boxes(root), *boxes(root, "legend")):
        assert 0 <= box.x <= box.x + box.width <= width + 0.01
        assert 0 <= box.y <= box.y + box.height <= height + 0.01
    for text in root.iter(f"{SVG}text"):
        if text.get("x") is None:  # slanted: it is turned about its beginning
            continue
        x, length, style = float(text.get("x") or 0), text_width(text.text or ""), (text.get("class") or "").split()
        begin = x - length if "end" in style else x - length / 2 if "mid" in style else x
        assert -0.01 <= x <= width
        if "mid" not in style:
            assert begin >= -1
            assert begin + length <= width + 1
        assert 0 <= float(text.get("y") or 0) <= height


@given(heats())
def test_each_cell_has_the_colour_of_its_level_and_its_text(picture: HeatMap) -> None:
    root = read(heat_map(picture))
    styles = [box.style for box in boxes(root)]
    expected = []
    for row in range(len(picture.rows)):
        for column in range(len(picture.columns)):
            cell = picture.cells.get((column, row))
            expected.append("ln" if cell is None or cell.level is None else f"l{cell.level}")
    assert styles == expected
    group = next(one for one in root.iter(f"{SVG}g") if (one.get("class") or "").startswith("cells"))
    assert sum(1 for _ in group.iter(f"{SVG}text")) == len(picture.cells)


def test_a_picture_has_a_title_a_description_and_the_place_of_its_grid() -> None:
    root = read(heat_map(heat()))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Failure rate by region and year. Highest: eu, 2023: 90 %"
    assert root.findtext(f"{SVG}title") == "Failure rate by region and year"
    left, top, width, height = map(float, (root.get("data-grid") or "").split())
    first = next(boxes(root))
    assert (first.x, first.y, first.width, first.height) == (left, top, width, height)


def test_long_labels_are_slanted_and_shortened_in_the_middle() -> None:
    root = read(heat_map(heat(columns=("a-very-long-name-of-a-region-in-the-north", "b"))))
    label = next(text for text in texts(root) if text.startswith("a-very"))
    assert "…" in label
    assert label.endswith("north")
    assert "rotate(-40)" in heat_map(heat(columns=("a-very-long-name-of-a-region-in-the-north", "b")))
