"""Bars: their parts add up, small ones can be seen, and boxes stay within their plot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.html.pictures.bars import THINNEST, Segment, box, shares, stacked_bar
from batchrun.report.html.pictures.scales import Range
from batchrun.report.spans import quantiles
from tests.report.html.pictures.drawn import SVG, read, texts

counts = st.lists(st.integers(0, 1_000_000), min_size=1, max_size=14).filter(any)


@given(counts)
def test_the_parts_add_up_and_keep_their_order(numbers: list[int]) -> None:
    parts = shares(numbers)
    assert sum(parts) == pytest.approx(100)
    assert all(part >= THINNEST for part, number in zip(parts, numbers, strict=True) if number)
    assert all(part == 0 for part, number in zip(parts, numbers, strict=True) if not number)
    ranked = [part for _, part in sorted(zip(numbers, parts, strict=True))]
    assert ranked == sorted(ranked)


def test_nothing_has_no_parts() -> None:
    assert shares([0, 0]) == (0.0, 0.0)


@given(counts)
def test_the_bar_is_filled_without_a_gap(numbers: list[int]) -> None:
    segments = [Segment(label=f"s{i}", count=number, style="failed") for i, number in enumerate(numbers)]
    end = 0.0
    for part in read(stacked_bar(segments, title="all")).iter(f"{SVG}rect"):
        assert float((part.get("x") or "").rstrip("%")) == pytest.approx(end, abs=0.1)
        end = float((part.get("x") or "").rstrip("%")) + float((part.get("width") or "").rstrip("%"))
    assert end == pytest.approx(100, abs=0.1)


def test_a_segment_says_its_label_and_number_and_carries_its_mark() -> None:
    segments = [
        Segment(label="COMPLETED", count=999, style="completed", mark="✓"),
        Segment(label="FAILED", count=1, style="failed", mark="✕"),
    ]
    root = read(stacked_bar(segments, title="Runs by status"))
    assert [title.text for title in root.iter(f"{SVG}title")] == ["Runs by status", "COMPLETED: 999", "FAILED: 1"]
    assert texts(root) == ["✓ 999"]  # one in a thousand is too narrow for text


def test_a_number_that_fits_no_phone_is_left_out_there() -> None:
    segments = [Segment(label=name, count=count, style="x", mark="✕") for name, count in (("a", 927), ("b", 73))]
    (wide, narrow) = read(stacked_bar(segments, title="all")).iter(f"{SVG}text")
    assert (wide.text, "roomy" in (wide.get("class") or "")) == ("✕ 927", False)
    assert (narrow.text, "roomy" in (narrow.get("class") or "")) == ("✕ 73", True)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_a_box_lies_within_its_plot_and_holds_the_median(values: list[float]) -> None:
    spans = quantiles(values)
    assert spans is not None
    root = read(box(spans, Range(low=0, high=max(*values, 1), is_logarithmic=False), style="working"))
    rect = next(root.iter(f"{SVG}rect"))
    begin = float((rect.get("x") or "").rstrip("%"))
    end = begin + float((rect.get("width") or "").rstrip("%"))
    whisker, median = root.iter(f"{SVG}line")
    low, high = (float((whisker.get(name) or "").rstrip("%")) for name in ("x1", "x2"))
    middle = float((median.get("x1") or "").rstrip("%"))
    assert 0 <= low <= begin + 0.02
    assert begin - 0.02 <= middle <= end + 0.02
    assert end - 0.02 <= high <= 100
