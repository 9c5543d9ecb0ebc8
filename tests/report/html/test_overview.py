"""The first look: one true sentence, whatever became of the batch."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.report.html.content import ReportContent, ReportOptions, content_of
from batchrun.report.html.source import read_source
from tests.report.batches import BATCHES


@pytest.fixture
def content(tmp_path: Path) -> Callable[[str], ReportContent]:
    def content(name: str) -> ReportContent:
        return content_of(read_source(BATCHES[name](tmp_path)), ReportOptions(made_s=0))

    return content


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("no runs", "The plan has no runs."),
        ("nothing sent", "None of the 24 planned runs has been sent yet."),
        ("one run", "The run completed."),
        ("two runs", "1 of 2 runs completed, 1 failed."),
        ("all failed", "All 12 runs failed."),
        ("none ended", "12 of 12 runs created; none is known to have ended."),
        ("not followed", "12 of 12 runs created; none is known to have ended."),
        ("no costs", "All 12 runs completed."),
        ("seasons", "931 of 1,008 runs completed, 77 failed."),
    ],
)
def test_the_verdict_is_one_sentence(content: Callable[[str], ReportContent], name: str, verdict: str) -> None:
    assert content(name).overview.verdict == verdict


@pytest.mark.parametrize("name", [name for name in BATCHES if name != "5,000 values"])
def test_the_bar_counts_every_run_once(content: Callable[[str], ReportContent], name: str) -> None:
    found = content(name)
    runs = int(next(figure.value for figure in found.overview.figures if figure.name == "Runs").replace(",", ""))
    assert sum(segment.count for segment in found.overview.segments) == runs
    assert runs == sum(ledger.planned for ledger in found.ledgers)
    assert found.table.total + found.not_sent == runs


def test_what_stands_out_is_said_with_its_counts(content: Callable[[str], ReportContent]) -> None:
    axis, pair = content("seasons").overview.findings
    assert axis.replace("\u00a0", " ") == "region = eu: 70 of 252 runs failed; elsewhere <1 % failed."
    assert re.match(r"region = eu, month = 2024-(09|1[012])-01: \d+ of 21 runs failed; elsewhere \d", pair)


def test_chance_is_not_worth_a_sentence(content: Callable[[str], ReportContent]) -> None:
    assert content("two runs").overview.findings == ()
    assert content("no costs").overview.findings == ()


def test_several_ledgers_are_one_batch(content: Callable[[str], ReportContent]) -> None:
    found = content("several ledgers")
    assert found.title == "sharded"
    assert len(found.ledgers) == 3
    assert [axis.name for axis in found.spans] == ["shard", "i"] or {axis.name for axis in found.spans} == {
        "shard",
        "i",
    }


def test_a_ledger_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (path,) = BATCHES["two runs"](tmp_path)
    assert len(read_source([path, tmp_path / "." / path.name]).rows) == 2


def test_notes_say_what_was_grouped_and_what_was_left_out(content: Callable[[str], ReportContent]) -> None:
    notes = " ".join(content("twelve axes").heat.notes)
    assert "do not vary: fixed" in notes
    assert "explain least" in notes
    assert "year has 35 values; they are shown as 20 ranges." in content("one axis").heat.notes


def test_runs_of_several_ledgers_are_in_the_order_of_the_ledgers(tmp_path: Path) -> None:
    paths = BATCHES["several ledgers"](tmp_path)
    source = read_source(paths)
    assert [ledger.path for ledger in source.ledgers] == paths
    assert [row.point["shard"] for row in source.rows] == [0] * 40 + [1] * 40 + [2] * 40


def test_where_nobody_followed_the_runs_it_says_so(content: Callable[[str], ReportContent]) -> None:
    assert any("follow them with batchrun watch" in note for note in content("not followed").overview.findings)
    assert not any("batchrun watch" in note for note in content("half way").overview.findings)


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        ("[cost]\nusd_per_unit = 0.1\n", ["USD 4.45", "44.5"]),
        ("", ["44.5"]),
        ("[cost]\nusd_per_unit = 'x'\n", ["44.5"]),
        ("not toml", ["44.5"]),
    ],
)
def test_units_are_priced_by_the_persons_own_price_alone(tmp_path: Path, table: str, shown: list[str]) -> None:
    paths = BATCHES["several ledgers"](tmp_path)
    for path in paths:
        text = re.sub(r'"cost":"[\d.]+","currency":"USD",', "", path.read_text())
        path.write_text(text.replace('"manifest":"', '"manifest":' + json.dumps(table)[:-1]))
    found = content_of(read_source(paths), ReportOptions(made_s=0))
    assert [figure.value for figure in found.overview.figures if figure.name in {"Cost", "Spatial units"}] == shown


def test_hundreds_of_fields_and_reasons_are_cut_and_it_says_so(content: Callable[[str], ReportContent]) -> None:
    found = content("300 fields")
    assert len(found.reasons) == 20
    assert found.reasons_left_out > 10
    assert "Not analyzed: 260 more axes and fields, beyond the first 40." in found.heat.notes
