"""A run that was sent more than once is looked for once more, also by a session that has nothing left to send."""

import os
from pathlib import Path

from batchrun.engine.batch import new_batch
from batchrun.engine.preflight.ledger_check import check_ledger
from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import AbsentEvent, AttemptEvent, DuplicatesEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.fold import BatchState, fold
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import build_plan
from tests.chaos.rounds import SWEEP

AT = timestamp(1_700_000_000)
SERVICE = "http://127.0.0.1:1"


def test_a_batch_is_not_finished_before_its_last_look(tmp_path: Path) -> None:
    manifest = tmp_path / "sweep.toml"
    manifest.write_text(SWEEP.format(runs=1))
    plan = build_plan(Manifest.load(manifest), environ=os.environ)
    (run,) = plan
    state = fold(BatchState(), new_batch(plan, SERVICE))
    fold(state, AttemptEvent(at=AT, key=run.key, n=1, name=run.name))
    fold(state, UnknownEvent(at=AT, key=run.key, n=1, reason="reset"))
    fold(state, AbsentEvent(at=AT, key=run.key, n=1))
    fold(state, AttemptEvent(at=AT, key=run.key, n=2, name=run.name))
    fold(state, SubmittedEvent(at=AT, key=run.key, n=2, run_id="r1", name=run.name))
    assert not check_ledger(plan, state, tmp_path / "l", service=SERVICE).is_finished
    fold(state, DuplicatesEvent(at=AT, key=run.key, run_ids=["r2"], is_whole=False))
    assert not check_ledger(plan, state, tmp_path / "l", service=SERVICE).is_finished
    assert state.duplicates == {run.key: ["r2"]}
    fold(state, DuplicatesEvent(at=AT, key=run.key))
    assert check_ledger(plan, state, tmp_path / "l", service=SERVICE).is_finished
