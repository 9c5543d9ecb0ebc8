"""Runs of planned names that a ledger ought to know and does not: an older copy, or a lost ledger."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from batchrun.engine.preflight.strangers import Look, strangers, unattempted_names
from batchrun.engine.tagging import TAG
from batchrun.ledger.clock import timestamp
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.sweep.plan import Plan
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import plan_of
from tests.ledger.test_ledger import batch

NOW_S = 1_790_000_000.0
RECENT, BACK = Look(recent_from_s=NOW_S, looks_back=False), Look(recent_from_s=None, looks_back=True)
PLAN = plan_of(3)
FIRST, SECOND, THIRD = PLAN
NAMES = [run.name for run in PLAN]


def listed(
    name: str, run_id: str = "r1", *, at_s: float | None = NOW_S + 1, payload: dict[str, Any] | None = None
) -> RunSummary:
    created = None if at_s is None else timestamp(at_s)
    return RunSummary(id=run_id, name=name, create_time=created, payload=payload)


def tagged_as(batch_id: str) -> dict[str, Any]:
    return {"environment": {"sparkConfigs": {TAG: f"{batch_id}/k/1"}}}


def state_of(**runs: RunState) -> BatchState:
    keys = dict(zip(("first", "second", "third"), (FIRST.key, SECOND.key, THIRD.key), strict=True))
    return BatchState(
        batch=batch(), runs={keys[name]: run for name, run in runs.items()}, attempted_at=timestamp(NOW_S)
    )


def found(*runs: RunSummary, state: BatchState | None = None, look: Look = RECENT, plan: Plan = PLAN) -> list[str]:
    return [run.id for run, _ in strangers(plan, runs, state or BatchState(), look)]


SENT = RunState(outcome=Outcome.SUBMITTED, run_id="known", n=1)


def test_a_run_of_a_planned_name_that_is_younger_than_the_ledger_is_a_stranger() -> None:
    assert found(listed(FIRST.name), state=state_of(first=SENT)) == ["r1"]
    assert found(listed(FIRST.name, at_s=NOW_S - 1), state=state_of(first=SENT)) == []
    assert found(listed("another-name"), state=state_of(first=SENT)) == []


def test_one_without_a_date_may_be_of_any_time() -> None:
    assert found(listed(FIRST.name, at_s=None), state=state_of(first=SENT)) == ["r1"]


def test_however_old_it_is_where_the_planned_run_was_never_attempted() -> None:
    old = listed(FIRST.name, at_s=1.0)
    assert found(old, look=BACK) == ["r1"]
    assert found(old, look=BACK, state=state_of(first=SENT)) == []
    assert found(old, look=replace(BACK, is_moved=True), state=state_of(first=RunState(n=1))) == ["r1"]


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.DROPPED])
def test_an_attempt_without_an_answer_explains_its_name(outcome: Outcome) -> None:
    assert found(listed(FIRST.name), state=state_of(first=RunState(outcome=outcome, name=FIRST.name))) == []


def test_a_lost_attempt_that_settling_thought_absent_still_explains_its_name() -> None:
    pending = RunState(name=FIRST.name, since=(timestamp(NOW_S), 0.0))
    assert found(listed(FIRST.name), state=state_of(first=pending)) == []
    assert found(listed(FIRST.name), state=state_of(first=RunState(name=FIRST.name))) == ["r1"]


def test_what_the_ledger_knows_is_no_stranger() -> None:
    state = state_of(first=SENT)
    state.foreign, state.duplicates = {"theirs"}, {FIRST.key: ["twice"]}
    assert found(*(listed(FIRST.name, run_id) for run_id in ("known", "theirs", "twice", "new")), state=state) == [
        "new"
    ]


def test_a_run_in_two_lists_is_one() -> None:
    assert found(listed(FIRST.name), listed(FIRST.name), look=BACK) == ["r1"]


def test_reruns_of_planned_runs_are_found_by_name_and_by_key() -> None:
    by_name, by_key = listed(f"{FIRST.name}-r2", "a"), listed(f"cut-{SECOND.key}-r3", "b")
    assert found(by_name, by_key, look=BACK) == ["a", "b"]


def test_a_planned_name_that_looks_like_a_reruns_is_itself() -> None:
    twin = msgspec.structs.replace(SECOND, name=f"{FIRST.name}-r2")
    pairs = strangers([FIRST, twin], [listed(twin.name)], BatchState(), BACK)  # type: ignore[arg-type]  # a plan is its runs
    assert [(run.id, planned.name) for run, planned in pairs] == [("r1", twin.name)]


def test_another_batchs_tag_says_that_it_is_none_of_ours() -> None:
    tagged = listed(FIRST.name, payload=tagged_as("other"))
    own = listed(FIRST.name, "r2", payload=tagged_as(batch().batch_id))
    assert found(tagged, own, state=state_of(first=SENT)) == ["r2"]


def test_a_run_whose_last_look_is_still_to_come_is_left_to_it() -> None:
    state = state_of(first=SENT)
    state.to_check[FIRST.key] = FIRST.name, NOW_S
    assert found(listed(FIRST.name), state=state) == []


def test_the_lost_attempt_of_an_earlier_payload_explains_no_run_with_the_present_one() -> None:
    earlier = RunState(outcome=Outcome.UNKNOWN, name=FIRST.name, is_planned=False)
    state = BatchState(batch=batch(), runs={"earlier key": earlier})
    assert found(listed(FIRST.name, payload={"args": ["other"]}), state=state, look=BACK) == []
    assert found(listed(FIRST.name, payload=json.loads(FIRST.body)), state=state, look=BACK) == ["r1"]


def test_names_that_were_never_attempted_are_all_named_where_there_are_few() -> None:
    assert unattempted_names(PLAN, BatchState(), 3) == (NAMES, True)
    assert unattempted_names(PLAN, state_of(second=SENT), 3) == ([NAMES[0], NAMES[2]], True)


def test_of_many_half_are_the_first_and_the_others_are_spread_over_the_plan() -> None:
    plan = plan_of(100)
    names, are_all = unattempted_names(plan, BatchState(), 10)
    places = [[run.name for run in plan].index(name) for name in names]
    assert not are_all
    assert places[:5] == [0, 1, 2, 3, 4]
    assert len(places) == 10
    assert places[-1] >= 90
