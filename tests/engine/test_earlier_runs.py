"""Unknown runs that left the plan: what they were, as long as an earlier plan can be made again."""

from pathlib import Path

import pytest

from batchrun.engine.batch import extended_batch, new_batch
from batchrun.engine.preflight.earlier_runs import earlier_runs
from batchrun.ledger.events import AttemptEvent, Event, SubmittedEvent, event_line
from batchrun.ledger.fold import BatchState, fold
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from tests.ledger.test_fold import AT

URL = "https://api.example.com"
SWEEP = """\
version = 1
[run]
name    = "sweep-run-{{{{tile.id}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://b/job.py"
args    = ["{{{{tile.id}}}}", "{{{{env.TOKEN}}}}"]
timeout = "{timeout}"
[axes]
tile = {rows}
"""
ROWS = "[{ id = 1 }, { id = 2 }]"


def plan_of(folder: Path, timeout: str, *, rows: str = ROWS) -> Plan:
    environ = {"TOKEN": "secret"}
    text = SWEEP.format(timeout=timeout, rows=rows)
    return build_plan(Manifest.parse(text, name="sweep", directory=folder, environ=environ), environ=environ)


def lost_and_extended(path: Path, *plans: Plan) -> BatchState:
    """Every run of the first plan was sent and not answered; then the sweep became the others, one after another."""
    state, events = BatchState(), list[Event]()

    def add(*more: Event) -> None:
        for event in more:
            fold(state, event)
            events.append(event)

    first, *others = plans
    add(new_batch(first, URL), *(AttemptEvent(at=AT, key=run.key, n=1, name=run.name) for run in first))
    for plan in others:
        add(extended_batch(plan, state, URL))
    path.write_bytes(b"".join(map(event_line, events)))
    return state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.ledger.jsonl"


def test_runs_come_from_the_plan_that_had_them_and_need_no_environment(path: Path) -> None:
    first, second, third = (plan_of(path.parent, timeout) for timeout in ("1h", "2h", "3h"))
    found = earlier_runs(third, lost_and_extended(path, first, second, third), path)
    assert {key: run.body for key, run in found.items()} == {run.key: run.keyed_body for run in first}
    assert all(b"<env.TOKEN>" in run.body for run in found.values())


def test_what_is_planned_or_no_longer_unknown_is_not_asked_for(path: Path) -> None:
    first, second = plan_of(path.parent, "1h"), plan_of(path.parent, "2h")
    state = lost_and_extended(path, first, second)
    one, other = first
    fold(state, SubmittedEvent(at=AT, key=one.key, n=1, run_id="r", name=one.name))
    assert earlier_runs(second, state, path).keys() == {other.key}
    assert earlier_runs(first, state, path) == {}
    assert earlier_runs(None, state, path).keys() == {other.key}


def test_a_plan_that_cannot_be_made_again_is_passed_over(path: Path) -> None:
    tiles = path.parent / "tiles.csv"
    tiles.write_text("id\n1\n2\n")
    first, second = plan_of(path.parent, "1h", rows='{ file = "tiles.csv" }'), plan_of(path.parent, "2h")
    state = lost_and_extended(path, first, second)
    tiles.unlink()
    assert earlier_runs(second, state, path) == {}
