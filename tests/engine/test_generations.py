"""What is sent when a run is run again: under its key, another name, and other settings if it was asked."""

import json
from typing import Any

import pytest

from batchrun.engine.generations import Generations, generations_of, next_generations, planned_with
from batchrun.ledger.events import AttemptEvent, RerunEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, fold
from batchrun.sweep.plan import PlannedRun
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

PLAN = plan_of(3)
RUNS = list(PLAN)


def state_of(*rerun: PlannedRun, overrides: dict[str, Any] | None = None) -> BatchState:
    """All are created; these are to be run again."""
    state = BatchState()
    fold(state, batch(3))
    for number, run in enumerate(RUNS):
        fold(state, AttemptEvent(at=AT, key=run.key, n=1, name=run.name))
        fold(state, SubmittedEvent(at=AT, key=run.key, n=1, run_id=f"r{number}", name=run.name))
    if rerun:
        keys = [run.key for run in rerun]
        fold(state, RerunEvent(at=AT, keys=keys, generation=2, overrides=overrides or {}))
    return state


def test_a_first_generation_is_sent_as_planned() -> None:
    found = generations_of(PLAN, state_of())
    assert found == Generations()
    assert found.planned(RUNS[0]) is RUNS[0]


def test_a_rerun_keeps_its_key_and_its_payload_but_for_the_name() -> None:
    found = generations_of(PLAN, state_of(RUNS[1]))
    assert set(found.runs) == {RUNS[1].key}
    rerun = found.planned(RUNS[1])
    assert (rerun.key, rerun.name) == (RUNS[1].key, "tile-run-2-r2")
    assert json.loads(rerun.body) == json.loads(RUNS[1].body) | {"name": "tile-run-2-r2"}


def test_settings_that_were_replaced_are_in_the_payload() -> None:
    found = generations_of(PLAN, state_of(RUNS[0], overrides={"runtime": "small"}))
    assert json.loads(found.planned(RUNS[0]).body)["runtime"] == "small"
    assert json.loads(found.planned(RUNS[2]).body)["runtime"] == "tiny"


def test_a_rerun_that_exists_is_not_planned_again() -> None:
    state = state_of(RUNS[0])
    fold(state, AttemptEvent(at=AT, key=RUNS[0].key, n=2, name="tile-run-1-r2", generation=2))
    rerun = SubmittedEvent(at=AT, key=RUNS[0].key, n=2, run_id="r9", name="tile-run-1-r2", generation=2)
    fold(state, rerun)
    assert generations_of(PLAN, state) == Generations()


def test_the_next_generation_counts_from_the_present_one() -> None:
    first, second, _ = RUNS
    assert next_generations([first.key, second.key], state_of(first)) == {3: [first.key], 2: [second.key]}


@pytest.mark.parametrize("settings", [{}, {"runtime": "small"}])
def test_planning_with_other_settings_keeps_the_points(settings: dict[str, object]) -> None:
    changed = planned_with(PLAN, settings)
    assert [run.point for run in changed] == [run.point for run in PLAN]
    assert (changed is PLAN) is not bool(settings)
