"""Pieces for notebooks: complete by themselves, without scripts, and harmless whatever is in a ledger."""

from collections import Counter
from pathlib import Path

import pytest

from batchrun.report.html.inline import Shown, inline_heat_map, inline_status_bar, show, styled
from batchrun.report.html.source import read_source
from batchrun.report.rows import RunRow
from batchrun.report.run_label import label_of
from tests.report.batches import BATCHES
from tests.report.html.pictures.drawn import boxes, read


def rows(name: str, directory: Path) -> list[RunRow]:
    return read_source(BATCHES[name](directory)).rows


def test_the_heat_map_is_that_of_the_report(tmp_path: Path) -> None:
    html = inline_heat_map(rows("seasons", tmp_path))
    assert html.startswith("<p><b>region × month: failure rate</b> region = eu, month = 2024-")
    picture = html[html.index("<svg") : html.index("</svg>") + 6]
    assert len(list(boxes(read(picture)))) == 4 * 12


@pytest.mark.parametrize("name", ["no runs", "one run", "none ended", "no axis"])
def test_where_there_is_nothing_to_compare_there_is_no_picture(tmp_path: Path, name: str) -> None:
    assert inline_heat_map(rows(name, tmp_path)) == ""


def test_without_failures_it_shows_durations(tmp_path: Path) -> None:
    assert ": median run time</b>" in inline_heat_map(rows("no costs", tmp_path))


def test_the_bar_counts_every_label(tmp_path: Path) -> None:
    counts = Counter(label_of(row.outcome, row.status) for row in rows("seasons", tmp_path))
    html = inline_status_bar(counts | {"not sent": 3})
    assert "<p>✓ 931 COMPLETED, ✕ 73 FAILED, ◷ 4 TIMED_OUT, ○ 3 not sent</p>" in html


def test_a_fragment_has_its_style_and_no_script(tmp_path: Path) -> None:
    html = styled(inline_heat_map(rows("hostile", tmp_path)), inline_status_bar({"<b>odd</b>": 1}))
    assert html.startswith('<div class="batchrun inline"><style>')
    assert "<script" not in html
    assert "<b>odd" not in html
    assert 'onerror="' not in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_a_ledger_is_shown_by_its_verdict_its_bar_and_its_heat_map(tmp_path: Path) -> None:
    shown = show(*BATCHES["seasons"](tmp_path))
    assert shown._repr_html_() == shown.html
    assert "<p><b>ndvi</b> 931 of 1,008 runs completed, 77 failed.</p>" in shown.html
    assert shown.html.count("<svg") == 2
    assert repr(shown) == "Shown()"


@pytest.mark.parametrize("name", BATCHES)
def test_every_batch_can_be_shown(tmp_path: Path, name: str) -> None:
    shown = show(*BATCHES[name](tmp_path))
    assert isinstance(shown, Shown)
    assert len(shown.html) < 100_000
    assert "<script" not in shown.html
