"""The first look: one true sentence, whatever became of the batch."""

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
    assert "year has 35 values; they are shown in 20 ranges." in content("one axis").heat.notes
