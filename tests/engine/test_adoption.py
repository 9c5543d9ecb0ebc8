"""Taking over runs that the ledger does not know, generation by generation."""

import json
from collections.abc import Iterable

import pytest

from batchrun.engine.generations import generations_of
from batchrun.engine.preflight.adoption import adoptions
from batchrun.ledger.events import (
    AttemptEvent,
    DuplicatesEvent,
    Event,
    RerunEvent,
    ResolvedEvent,
    SubmittedEvent,
    UnknownEvent,
)
from batchrun.ledger.fold import BatchState, Outcome, fold, fold_all
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT

PLAN = plan_of(1)
RUN = next(iter(PLAN))
LATER = "2030-01-01T00:00:00.000Z"
NEVER: list[Event] = []
CREATED: list[Event] = [
    AttemptEvent(at=AT, key=RUN.key, n=1, name=RUN.name),
    SubmittedEvent(at=AT, key=RUN.key, n=1, run_id="first", name=RUN.name),
]
TO_BE_RUN_AGAIN = [*CREATED, RerunEvent(at=AT, keys=[RUN.key], generation=2)]
TO_BE_SENT = [*CREATED[:1], UnknownEvent(at=AT, key=RUN.key, n=1, reason="x"), ResolvedEvent(at=AT, key=RUN.key, n=1)]


def listed(run_id: str, generation: int = 1) -> RunSummary:
    name = RUN.name if generation == 1 else f"{RUN.name}-r{generation}"
    return RunSummary(id=run_id, name=name, create_time=AT, payload=json.loads(RUN.body) | {"name": name})


def taken_over(ledger: Iterable[Event], *runs: RunSummary) -> tuple[BatchState, list[Event]]:
    """The state after the runs were taken over, and how."""
    state = fold_all(BatchState(), ledger)
    events: list[Event] = []
    for event in adoptions([(run, RUN) for run in runs], state, generations_of(PLAN, state), lambda: LATER):
        fold(state, event)
        events.append(event)
    return state, events


@pytest.mark.parametrize("ledger", [NEVER, TO_BE_SENT])
def test_a_run_is_taken_over_with_its_rerun(ledger: list[Event]) -> None:
    state, events = taken_over(ledger, listed("again", 2), listed("first"))
    assert [type(event) for event in events] == [SubmittedEvent, RerunEvent, SubmittedEvent]
    run = state.runs[RUN.key]
    assert (run.generation, run.run_id, [earlier.run_id for earlier in run.earlier]) == (2, "again", ["first"])


@pytest.mark.parametrize("ledger", [NEVER, TO_BE_SENT])
def test_a_ledger_that_was_cut_off_while_it_took_runs_over_still_asks_about_the_others(ledger: list[Event]) -> None:
    """What the service holds is looked for from the last attempt on."""
    before = fold_all(BatchState(), ledger).attempted_at
    state, _ = taken_over(ledger, listed("first"))
    assert state.attempted_at == before


def test_a_rerun_that_is_to_be_sent_is_taken_over_under_its_own_name() -> None:
    state, _ = taken_over(TO_BE_RUN_AGAIN, listed("again", 2))
    run = state.runs[RUN.key]
    assert (run.outcome, run.generation, run.run_id) == (Outcome.SUBMITTED, 2, "again")


def test_further_runs_of_a_generation_that_is_submitted_are_duplicates() -> None:
    for ledger in (CREATED, TO_BE_RUN_AGAIN):
        state, events = taken_over(ledger, listed("other"))
        assert [type(event) for event in events] == [DuplicatesEvent]
        assert state.duplicates == {RUN.key: ["other"]}


def test_two_reruns_of_one_generation_are_left_to_a_person() -> None:
    state, _ = taken_over(TO_BE_RUN_AGAIN, listed("again", 2), listed("another", 2))
    assert state.outcome(RUN.key) is Outcome.UNKNOWN


def test_a_rerun_without_the_run_before_it_is_left_to_a_person() -> None:
    state, _ = taken_over(NEVER, listed("again", 2))
    assert state.outcome(RUN.key) is Outcome.UNKNOWN
    trouble = state.runs[RUN.key].trouble
    assert trouble is not None
    assert "the run before it is not" in trouble.describe()
