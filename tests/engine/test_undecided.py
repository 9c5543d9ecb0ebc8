"""Runs found by name or key, so that a person can decide about them."""

from pathlib import Path

import pytest

from batchrun.engine.reconciling.undecided import undecided_runs
from batchrun.errors import UsageError
from batchrun.ledger.events import AttemptEvent, Event, RerunEvent, StatusEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.fold import BatchState, Outcome, fold
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

PLAN = plan_of(4)
LOST, SUBMITTED, RERUN, PENDING = PLAN
NOWHERE = Path("not read")
EVENTS: list[Event] = [
    batch(4),
    AttemptEvent(at=AT, key=LOST.key, n=1, name=LOST.name),
    UnknownEvent(at=AT, key=LOST.key, n=1, reason="connection reset"),
    AttemptEvent(at=AT, key=SUBMITTED.key, n=1, name=SUBMITTED.name),
    SubmittedEvent(at=AT, key=SUBMITTED.key, n=1, run_id="r2", name=SUBMITTED.name),
    AttemptEvent(at=AT, key=RERUN.key, n=1, name=RERUN.name),
    SubmittedEvent(at=AT, key=RERUN.key, n=1, run_id="r3", name=RERUN.name),
    StatusEvent(at=AT, key=RERUN.key, run_id="r3", status="FAILED"),
    RerunEvent(at=AT, keys=[RERUN.key], generation=2),
    AttemptEvent(at=AT, key=RERUN.key, n=2, name=f"{RERUN.name}-r2", generation=2),
    UnknownEvent(at=AT, key=RERUN.key, n=2, reason="timed out"),
]


@pytest.fixture
def state() -> BatchState:
    made = BatchState()
    for event in EVENTS:
        fold(made, event)
    return made


def test_without_words_all_unknown_runs_are_found_with_what_is_known_of_them(state: BatchState) -> None:
    lost, rerun = undecided_runs(state, NOWHERE, PLAN, None)
    assert (lost.key, lost.name, lost.outcome, lost.n, lost.reason) == (
        LOST.key,
        LOST.name,
        Outcome.UNKNOWN,
        1,
        "connection reset",
    )
    assert lost.planned == LOST
    assert (rerun.name, rerun.generation) == (f"{RERUN.name}-r2", 2)


def test_a_word_is_a_name_or_a_key_and_the_order_is_that_of_the_words(state: BatchState) -> None:
    found = undecided_runs(state, NOWHERE, PLAN, [PENDING.name, LOST.key, LOST.name])
    assert [run.key for run in found] == [PENDING.key, LOST.key]
    assert [run.outcome for run in found] == [Outcome.PENDING, Outcome.UNKNOWN]


def test_a_submitted_run_is_found_by_its_planned_name(state: BatchState) -> None:
    (run,) = undecided_runs(state, NOWHERE, PLAN, [SUBMITTED.name])
    assert (run.outcome, run.run_id) == (Outcome.SUBMITTED, "r2")


def test_without_a_plan_unknown_runs_are_found_and_their_payloads_are_not_known(state: BatchState) -> None:
    runs = undecided_runs(state, NOWHERE, None, None)
    assert [(run.name, run.planned) for run in runs] == [(LOST.name, None), (f"{RERUN.name}-r2", None)]


def test_a_word_that_is_nobodys_name_is_an_error_that_suggests_one(state: BatchState, tmp_path: Path) -> None:
    ledger = tmp_path / "l"
    ledger.touch()
    with pytest.raises(UsageError) as refused:
        undecided_runs(state, ledger, PLAN, [LOST.name, "tile-rum-1", "zzzz"])
    close, far = refused.value.problems
    assert (close.place, far.place) == ("tile-rum-1", "zzzz")
    assert close.fix.startswith("did you mean tile-run-1")
    assert far.fix == "batchrun plan SWEEP --all lists the names"
