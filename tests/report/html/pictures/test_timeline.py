"""The timeline: its areas and bars are as high as their numbers, and stay within their panels."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.activity import Activity, Span, activity
from batchrun.report.html.pictures.timeline import HEIGHT, WIDTH, timeline
from tests.report.html.pictures.drawn import SVG, read, texts

BEGIN_S = 1_795_507_200.0
_POINT = re.compile(r"([MVHh])([-\d.]+)(?: ([-\d.]+))?")


def made(spans: list[Span]) -> Activity:
    found = activity(spans, until_s=BEGIN_S + 100)
    assert found is not None
    return found


@st.composite
def lives(draw: st.DrawFn) -> Span:
    created_s = BEGIN_S + draw(st.floats(0, 5_000))
    started_s = created_s + draw(st.floats(0, 500))
    ended_s = draw(st.none() | st.floats(0, 5_000).map(lambda work_s: started_s + work_s))
    return Span(created_s=created_s, started_s=draw(st.none() | st.just(started_s)), ended_s=ended_s)


@given(st.lists(lives(), min_size=1, max_size=30), st.none() | st.integers(1, 500))
def test_everything_lies_within_the_picture(spans: list[Span], limit: int | None) -> None:
    root = read(timeline(made(spans), limit=limit, title="t", description="d"))
    for path in root.iter(f"{SVG}path"):
        for kind, first, second in _POINT.findall(path.get("d") or ""):
            if kind in "MH":
                assert 0 <= float(first) <= WIDTH
            if kind == "V":
                assert 0 <= float(first) <= HEIGHT
            if kind == "M":
                assert 0 <= float(second) <= HEIGHT
    for line in root.iter(f"{SVG}line"):
        assert all(0 <= float(line.get(name) or 0) <= WIDTH for name in ("x1", "x2"))
        assert all(0 <= float(line.get(name) or 0) <= HEIGHT for name in ("y1", "y2"))


def test_the_limit_is_drawn_where_the_runs_come_near_it() -> None:
    spans = [Span(created_s=BEGIN_S, started_s=None, ended_s=None)] * 10
    near = timeline(made(spans), limit=20, title="t", description="d")
    assert 'class="limit"' in near
    assert "max_active = 20" in texts(read(near))
    far = timeline(made(spans), limit=500, title="t", description="d")
    assert 'class="limit"' not in far
    assert "max_active = 500, not reached" in texts(read(far))


def test_bars_are_as_high_as_their_numbers() -> None:
    spans = [Span(created_s=BEGIN_S, started_s=None, ended_s=None)] * 4
    spans += [Span(created_s=BEGIN_S + 50, started_s=None, ended_s=None)] * 2
    root = read(timeline(made(spans), limit=None, title="t", description="d"))
    bars = next(path.get("d") or "" for path in root.iter(f"{SVG}path") if path.get("class") == "s-submitted")
    heights = [float(bottom) - float(top) for bottom, top in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", bars)]
    assert heights == [pytest.approx(40), pytest.approx(20)]
