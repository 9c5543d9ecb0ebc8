"""A ledger exported as rows: every planned run once, in plan order."""

import csv
import json
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow.parquet as pq
import pytest

from batchrun.engine.batch import new_batch
from batchrun.errors import LedgerFormatError, Problem, UsageError
from batchrun.ledger.events import (
    AttemptEvent,
    BatchEvent,
    CostEvent,
    Event,
    RejectedEvent,
    RerunEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)
from batchrun.report.export import export, guarded
from batchrun.report.export_rows import COLUMNS, Row, read_export_rows
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan

AT = "2026-11-23T10:00:0{}.000Z"
MANIFEST = """\
version = 1

[run]
name    = "job-{{year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/job.py"
args    = ["{{year}}"]

[axes]
year = [2021, 2022, 2023, 2024]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return build_plan(Manifest.parse(MANIFEST, name="jobs", directory=tmp_path))


@pytest.fixture
def ledger(tmp_path: Path, plan: Plan) -> Path:
    """One run completed, one rejected, one unknown and one never sent."""
    done, rejected, lost, _ = (run.key for run in plan)
    events: list[Event] = [
        BatchEvent(
            at=AT.format(0), format=1, batch_id="id", name="jobs", runs=plan.runs, plan_sha256=plan.sha256,
            base_url="emulator", batchrun="0", manifest=MANIFEST, directory=str(tmp_path),
        ),
        AttemptEvent(at=AT.format(1), key=done, n=1),
        SubmittedEvent(at=AT.format(2), key=done, n=1, run_id="r1", name="job-2021", status="PENDING"),
        StatusEvent(at=AT.format(3), key=done, run_id="r1", status="RUNNING", start_time=AT.format(3)),
        StatusEvent(at=AT.format(4), key=done, run_id="r1", status="COMPLETED", complete_time=AT.format(4)),
        AttemptEvent(at=AT.format(1), key=rejected, n=1),
        RejectedEvent(
            at=AT.format(2), key=rejected, n=1, name="job-2022", status=422, code="VALIDATION_ERROR",
            message="=1+1", field="args", suggestion="shorten",
        ),
        AttemptEvent(at=AT.format(1), key=lost, n=1),
        AttemptEvent(at=AT.format(2), key=lost, n=2),
        UnknownEvent(at=AT.format(3), key=lost, n=2, reason="connection reset"),
    ]  # fmt: skip
    path = tmp_path / "jobs.ledger.jsonl"
    path.write_bytes(b"".join(map(event_line, events)))
    return path


def rows(ledger: Path) -> list[Row]:
    return list(read_export_rows(ledger, {}))


def test_every_planned_run_is_a_row_in_plan_order(ledger: Path, plan: Plan) -> None:
    found = rows(ledger)
    assert [row["key"] for row in found] == [run.key for run in plan]
    assert [row["outcome"] for row in found] == ["submitted", "rejected", "unknown", "pending"]
    assert [row["attempts"] for row in found] == [1, 1, 2, 0]
    assert all(list(row) == list(COLUMNS) for row in found)


def test_a_row_holds_what_the_ledger_knows_and_leaves_the_rest_empty(ledger: Path) -> None:
    done, rejected, lost, pending = rows(ledger)
    assert (done["run_id"], done["status"], done["via"]) == ("r1", "COMPLETED", "response")
    assert (done["start_time"], done["complete_time"], done["create_time"]) == (AT.format(3), AT.format(4), None)
    assert (rejected["http_status"], rejected["code"], rejected["field"]) == (422, "VALIDATION_ERROR", "args")
    assert (lost["first_attempt_at"], lost["message"]) == (AT.format(1), "connection reset")
    assert json.loads(pending["point"]) == {"year": 2024}
    assert pending["first_attempt_at"] is None


def test_the_suffix_sets_the_format_whatever_its_case(ledger: Path, tmp_path: Path) -> None:
    assert export(ledger, tmp_path / "runs.CSV") == 4
    with (tmp_path / "runs.CSV").open(newline="", encoding="utf-8") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["job-2021", "job-2022", "job-2023", "job-2024"]
    assert export(ledger, tmp_path / "runs.jsonl") == 4
    first = json.loads((tmp_path / "runs.jsonl").read_text("utf-8").splitlines()[0])
    assert first["point"] == {"year": 2021}


def test_an_unknown_suffix_names_the_known_ones(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown export format '\.xls'; use one of \.csv, \.jsonl, \.parquet"):
        export(ledger, tmp_path / "runs.xls")


def test_the_ledger_is_not_overwritten(ledger: Path) -> None:
    before = ledger.read_bytes()
    with pytest.raises(UsageError, match="is the ledger itself; choose another name"):
        export(ledger, ledger)
    assert ledger.read_bytes() == before


def test_a_failed_export_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    target = tmp_path / "runs.csv"
    target.write_text("earlier")
    with pytest.raises(LedgerFormatError):
        export(tmp_path / "empty", target)
    assert target.read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "runs.csv"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_a_text_that_a_spreadsheet_would_evaluate_is_marked_as_text(start: str) -> None:
    row = {"message": f"{start}cmd|' /C calc'!A0", "attempts": -1, "name": "job", "code": None}
    shown = start.replace("\r", r"\x0d")
    assert guarded(row) == row | {"message": f"'{shown}cmd|' /C calc'!A0"}


def test_formulas_are_kept_where_they_are_asked_for(ledger: Path, tmp_path: Path) -> None:
    text = ledger.read_text().replace('"message":"', '"message":"=1+')
    assert "=1+" in text
    ledger.write_text(text)
    for keep, shown in ((False, ",'=1+"), (True, ",=1+")):
        export(ledger, tmp_path / "runs.csv", keep_formulas=keep)
        assert shown in (tmp_path / "runs.csv").read_text()
    export(ledger, tmp_path / "runs.jsonl")
    assert '"=1+' in (tmp_path / "runs.jsonl").read_text()


HIDDEN = "\x9b31mred\u202eevil\u200b\U000e0041"
SHOWN = r"\x9b31mred\u202eevil\u200b\U000e0041"


def test_an_export_does_nothing_to_a_terminal(ledger: Path, tmp_path: Path) -> None:
    ledger.write_text(ledger.read_text().replace('"message":"', f'"message":"\\u001b{HIDDEN}'))
    export(ledger, tmp_path / "runs.csv")
    assert r",\x1b" + SHOWN in (tmp_path / "runs.csv").read_text()
    export(ledger, tmp_path / "kept.csv", keep_formulas=True)
    assert f",\x1b{HIDDEN}" in (tmp_path / "kept.csv").read_text()
    export(ledger, tmp_path / "runs.jsonl")
    lines = (tmp_path / "runs.jsonl").read_text()
    assert r"\u001b\u009b31mred\u202eevil\u200b\udb40\udc41" in lines
    assert any(f"\x1b{HIDDEN}" in str(json.loads(line)["message"]) for line in lines.splitlines())


def test_the_follow_up_has_columns_of_its_own(ledger: Path) -> None:
    done, rejected, lost, pending = rows(ledger)
    assert (done["ran_s"], done["waited_s"], done["generation"]) == (1.0, None, 1)
    assert rejected["reason"] == "VALIDATION_ERROR: =1+1"
    assert (lost["reason"], pending["reason"], pending["generation"]) == ("connection reset", None, None)


def append(ledger: Path, *events: Event) -> None:
    with ledger.open("ab") as file:
        file.write(b"".join(map(event_line, events)))


def test_costs_are_exact_and_include_earlier_generations(ledger: Path, plan: Plan) -> None:
    key = next(iter(plan)).key

    def cost(run_id: str, amount: str, state: Literal["live", "settling", "final"] = "final") -> CostEvent:
        at = AT.format(5)
        return CostEvent(at=at, key=key, run_id=run_id, state=state, cost=amount, currency="USD", spatial_units="0.10")

    append(ledger, cost("r1", "0.10"))
    assert [rows(ledger)[0][name] for name in ("cost", "currency", "spatial_units", "cost_state")] == [
        "0.10", "USD", "0.10", "final",
    ]  # fmt: skip
    again = SubmittedEvent(
        at=AT.format(7), key=key, n=2, run_id="r2", name="job-2021-r2", status="PENDING", generation=2
    )
    attempt = AttemptEvent(at=AT.format(6), key=key, n=2, name="job-2021-r2", generation=2)
    append(
        ledger, RerunEvent(at=AT.format(6), keys=[key], generation=2), attempt, again, cost("r2", "0.20", "settling")
    )
    row = rows(ledger)[0]
    assert (row["run_id"], row["generation"], row["status"]) == ("r2", 2, "PENDING")
    assert (row["cost"], row["spatial_units"], row["cost_state"]) == ("0.30", "0.20", "settling")


def test_wide_rows_have_a_column_for_each_axis(ledger: Path, tmp_path: Path) -> None:
    assert export(ledger, tmp_path / "runs.csv", is_wide=True) == 4
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["point.year"] for row in found] == ["2021", "2022", "2023", "2024"]
    assert "point" not in found[0]
    export(ledger, tmp_path / "runs.jsonl", is_wide=True)
    first = json.loads((tmp_path / "runs.jsonl").read_text("utf-8").splitlines()[0])
    assert first["point.year"] == 2021


def test_wide_columns_keep_the_types_of_their_values(tmp_path: Path) -> None:
    text = MANIFEST.replace("year = [2021, 2022, 2023, 2024]", "year = [1, 2.5]\nflag = [true]\nwhen = [2024-01-01]")
    text = text.replace('"job-{{year}}"', '"job-{{year}}-{{site.id}}"').replace(
        'args    = ["{{year}}"]', 'args = ["{{year}}", "{{flag}}", "{{when}}", "{{site.lon}}"]'
    )
    text += '[[axes.site]]\nid = "nyc"\nlon = -74\n'
    manifest = Manifest.parse(text, name="jobs", directory=tmp_path)
    path = tmp_path / "wide.ledger.jsonl"
    path.write_bytes(event_line(new_batch(build_plan(manifest), "emulator")))
    assert export(path, tmp_path / "runs.parquet", is_wide=True) == 2
    table = pq.read_table(tmp_path / "runs.parquet")
    types = {name: str(table.schema.field(name).type) for name in table.column_names if name.startswith("point.")}
    assert types == {
        "point.year": "double", "point.flag": "bool", "point.when": "string", "point.site.id": "string",
        "point.site.lon": "int64",
    }  # fmt: skip
    assert table.column("point.year").to_pylist() == [1.0, 2.5]
    assert str(table.schema.field("ran_s").type) == "double"


def test_runs_that_left_the_plan_come_last(ledger: Path, plan: Plan, tmp_path: Path) -> None:
    smaller = build_plan(Manifest.parse(MANIFEST.replace("2021, ", ""), name="jobs", directory=tmp_path))
    keys = [run.key for run in plan]
    append(ledger, msgspec.structs.replace(new_batch(smaller, "emulator"), gone=keys[:1]))
    found = rows(ledger)
    assert [row["name"] for row in found] == ["job-2022", "job-2023", "job-2024", "job-2021"]
    assert (found[-1]["index"], found[-1]["run_id"], found[-1]["status"]) == (None, "r1", "COMPLETED")


def test_a_plan_that_cannot_be_made_again_leaves_the_runs_that_the_ledger_knows(tmp_path: Path) -> None:
    (tmp_path / "years.csv").write_text("year\n2021\n2022\n2023\n")
    text = MANIFEST.partition("[axes]")[0].replace("{{year}}", "{{it.year}}") + '[axes.it]\nfile = "years.csv"\n'
    plan = build_plan(Manifest.parse(text, name="jobs", directory=tmp_path))
    first = next(iter(plan))
    ledger = tmp_path / "jobs.ledger.jsonl"
    append(ledger, new_batch(plan, "emulator"))
    append(ledger, AttemptEvent(at=AT.format(1), key=first.key, n=1, name=first.name))
    point = msgspec.Raw(first.point_json)
    append(ledger, SubmittedEvent(at=AT.format(2), key=first.key, n=1, run_id="r1", name=first.name, point=point))
    assert [row["outcome"] for row in rows(ledger)] == ["submitted", "pending", "pending"]
    gaps: list[Problem] = []
    for change in ("year\n2021\n2030\n2031\n2032\n", None):
        if change is None:
            (tmp_path / "years.csv").unlink()
        else:
            (tmp_path / "years.csv").write_text(change)
        for is_wide in (False, True):
            (row,) = read_export_rows(ledger, {}, is_wide=is_wide)
            assert (row["index"], row["name"], row["run_id"], row["outcome"]) == (None, "job-2021", "r1", "submitted")
            assert row["point.it.year" if is_wide else "point"] == ("2021" if is_wide else '{"it": {"year": "2021"}}')
        export(ledger, tmp_path / "runs.csv", {}, warn=gaps.append)
    assert len(gaps) == 2
    assert "the rows have no index and no region, and 2 runs that were never sent are left out" in gaps[0].fact
