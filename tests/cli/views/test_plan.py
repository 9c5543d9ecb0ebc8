"""A plan for people and as JSON."""

from dataclasses import replace
from pathlib import Path

import pytest

from batchrun.cli.views.plan import plan_document, shown_runs, totals_words
from batchrun.engine.preflight.difference import Difference
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, Total, build_plan

MANIFEST = """\
version = 1

[run]
name    = "job-{{year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/job.py"
args    = ["--year", "{{year}}", "--note", "two words"]

[axes]
year = { from = 2001, to = 2010 }
"""
SAME = Difference(new=0, gone=0, gone_keys=(), submitted=8, recreated=0, files=(), is_same=True)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return build_plan(Manifest.parse(MANIFEST, name="jobs", directory=tmp_path))


def test_both_ends_are_shown_with_a_gap_between_them(plan: Plan) -> None:
    assert [row[0] for row in shown_runs(plan, 2).rows] == ["0", "1", "...", "8", "9"]
    assert shown_runs(plan, 1).rows[0] == (
        "0", "job-2001", "aws-us-west-2", "tiny", "--year 2001 --note 'two words'",
    )  # fmt: skip


@pytest.mark.parametrize("show", [5, 6, 100])
def test_a_plan_that_fits_is_shown_whole(plan: Plan, show: int) -> None:
    assert [row[0] for row in shown_runs(plan, show).rows] == [str(number) for number in range(10)]


def test_long_arguments_are_cut(tmp_path: Path) -> None:
    text = MANIFEST.replace("two words", "x" * 100)
    plan = build_plan(Manifest.parse(text, name="jobs", directory=tmp_path))
    arguments = shown_runs(plan, 1).rows[0][-1]
    assert len(arguments) == 63
    assert arguments.endswith("x...")


def test_totals_name_three_groups_and_count_the_others(plan: Plan) -> None:
    assert totals_words(plan) == "10 tiny in aws-us-west-2"
    many = replace(plan, totals=tuple(Total(f"region-{n}", "small", 1000 * n) for n in range(1, 6)))
    assert totals_words(many) == "1,000 small in region-1, 2,000 small in region-2, 3,000 small in region-3, and 2 more"


def test_a_difference_names_a_few_new_runs_and_the_changed_files() -> None:
    assert SAME.describe() == "0 new, 0 removed, 8 already submitted"
    changed = replace(SAME, new=4, gone=1200, new_names=("a", "b", "c", "d"), files=("sites.csv", "env.BUCKET"))
    assert changed.describe() == (
        "4 new, 1,200 removed, 8 already submitted (new: a, b, c, ...); changed: sites.csv, env.BUCKET"
    )


def test_the_document_holds_the_ends_or_every_run(plan: Plan) -> None:
    ends = plan_document(plan, show=1, found=None)
    assert [run["index"] for run in ends["planned"]] == [0, 9]
    assert "difference" not in ends
    everything = plan_document(plan, show=None, found=replace(SAME, gone=1, gone_keys=("k",)))
    assert len(everything["planned"]) == everything["runs"] == 10
    assert everything["planned"][0]["point"] == {"year": 2001}
    assert everything["difference"] == {
        "new": 0, "gone": 1, "submitted": 8, "changed_files": [], "gone_keys": ["k"], "new_names": [],
    }  # fmt: skip
