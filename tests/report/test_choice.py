"""What is steered is of the batch: a plan that changed since names other runs."""

from pathlib import Path

import pytest

from batchrun.engine.batch import new_batch
from batchrun.errors import SweepChangedError
from batchrun.ledger.events import event_line
from batchrun.ledger.reader import read_state
from batchrun.report.choice import choose_to_cancel
from batchrun.report.selection import Selection
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import build_plan

MANIFEST = """\
version = 1

[run]
name    = "job-{{year.year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/job.py"
args    = ["{{year.year}}"]

[axes.year]
file = "years.csv"
"""


def test_runs_of_a_plan_that_changed_are_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "years.csv").write_text("year\n2021\n2022\n")
    manifest = Manifest.parse(MANIFEST, name="jobs", directory=tmp_path)
    plan, ledger = build_plan(manifest), tmp_path / "jobs.ledger.jsonl"
    ledger.write_bytes(event_line(new_batch(plan, "emulator")))
    state = read_state(ledger)
    assert len(choose_to_cancel(ledger, state, Selection(), plan).dropped) == 2
    (tmp_path / "years.csv").write_text("year\n2021\n2030\n")
    with pytest.raises(SweepChangedError, match="omit --pending"):
        choose_to_cancel(ledger, state, Selection(), build_plan(manifest))
    assert choose_to_cancel(ledger, state, Selection(), None).dropped == []
