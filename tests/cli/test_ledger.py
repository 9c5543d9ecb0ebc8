"""``batchrun ledger check``, ``export`` and ``compact``, on the ledger of a real batch."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def ledger(batchrun: Run, sweep: Path) -> str:
    ended = batchrun("submit", sweep, "--emulator", "--yes", "--rate", "500")
    assert ended.status == 0, ended.err
    return "jobs.emulator.ledger.jsonl"


def test_a_sound_ledger_is_sound_also_when_compacted(batchrun: Run, ledger: str) -> None:
    assert batchrun("ledger", "check", ledger).status == 0
    before = batchrun("status", ledger, "--json").document
    compacted = batchrun("ledger", "compact", ledger, "--json")
    assert compacted.status == 0
    assert compacted.document["lines_after"] < compacted.document["lines_before"]
    assert batchrun("ledger", "check", ledger, "--json").document["findings"] == []
    assert batchrun("status", ledger, "--json").document == before


def test_a_finding_names_its_line_and_ends_with_the_status_of_a_bad_ledger(
    batchrun: Run, ledger: str, tmp_path: Path
) -> None:
    lines = (tmp_path / ledger).read_text().splitlines(keepends=True)
    ending = next(line for line in lines if '"submitted"' in line and '"run_id"' in line)
    (tmp_path / ledger).write_text("".join([*lines, ending]))
    ended = batchrun("ledger", "check", ledger)
    assert ended.status == 4
    assert f"{ledger}:{len(lines) + 1}: attempt 1 of" in ended.err
    assert "ends twice" in ended.err


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_each_planned_run_is_a_row(batchrun: Run, ledger: str, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"runs.{ending}"
    if ending == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
    ended = batchrun("ledger", "export", ledger, "-o", target)
    assert ended.status == 0, ended.err
    match ending:
        case "csv":
            rows = list(csv.DictReader(target.read_text().splitlines()))
        case "jsonl":
            rows = list(map(json.loads, target.read_text().splitlines()))
        case _:
            rows = parquet.read_table(target).to_pylist()
    assert [row["name"] for row in rows][:2] == ["job-nyc-2021", "job-nyc-2022"]
    assert len(rows) == 12
    assert {row["outcome"] for row in rows} == {"submitted"}
    assert all(row["run_id"] and row["submitted_at"] >= row["first_attempt_at"] for row in rows)


def test_an_unknown_format_is_refused_with_the_known_ones(batchrun: Run, ledger: str) -> None:
    ended = batchrun("ledger", "export", ledger, "-o", "runs.xls")
    assert ended.status == 2
    assert ".csv, .jsonl, .parquet" in ended.err


def test_an_export_can_be_piped_on(batchrun: Run, ledger: str, tmp_path: Path) -> None:
    for name in ("csv", "jsonl"):
        assert batchrun("ledger", "export", ledger, "-o", f"runs.{name}").status == 0
        piped = batchrun("ledger", "export", ledger, "-o", "-", "--format", name)
        assert piped.status == 0
        assert piped.out.replace("\r\n", "\n") == (tmp_path / f"runs.{name}").read_text()
        assert piped.err == ""
    assert batchrun("ledger", "export", ledger, "-o", "-").out.startswith("index,key,name,")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-o", "-", "--json"], "--output -: it is written to standard output"),
        (["-o", "-", "--format", "xls"], "--format: unknown export format 'xls'; use one of csv, jsonl, parquet"),
        (["-o", "a.csv", "--format", "csv"], "--format: it applies only to -o -"),
    ],
)
def test_what_an_export_cannot_do_is_said(batchrun: Run, ledger: str, flags: list[str], message: str) -> None:
    ended = batchrun("ledger", "export", ledger, *flags)
    assert ended.status == 2
    assert message in ended.err
