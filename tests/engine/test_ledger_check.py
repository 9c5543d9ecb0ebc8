"""Whether a ledger may be continued with a plan, and what would be left to do."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batchrun.engine.batch import new_batch
from batchrun.engine.preflight.ledger_check import Preflight, check_ledger, check_plan
from batchrun.errors import LedgerMismatchError, UsageError
from batchrun.ledger.events import AttemptEvent, Event, FailedEvent, RejectedEvent, SubmittedEvent, event_line
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from tests.engine.service import SWEEP, plan_of
from tests.ledger.test_fold import AT

HERE, ELSEWHERE = "https://api.example.com", "https://other.example.com"
LEDGER = Path("tiles.ledger.jsonl")
RETRY = frozenset({Outcome.REJECTED, Outcome.FAILED})


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def state_of(plan: Plan, **outcomes: Iterable[int]) -> BatchState:
    """A batch begun with ``plan``, in its ledger; ``outcomes`` says which of its runs, by index, ended how."""
    events: list[Event] = [new_batch(plan, HERE)]
    keys = [run.key for run in plan]
    for outcome, indexes in outcomes.items():
        for key in (keys[index] for index in indexes):
            events += [AttemptEvent(at=AT, key=key, n=1)]
            if outcome == "submitted":
                events += [SubmittedEvent(at=AT, key=key, n=1, run_id=f"id-{key}", name=key)]
            elif outcome == "rejected":
                events += [RejectedEvent(at=AT, key=key, n=1, name=key)]
            elif outcome == "failed":
                events += [FailedEvent(at=AT, key=key, n=1, name=key)]
    LEDGER.write_bytes(b"".join(map(event_line, events)))
    return read_state(LEDGER)


def checked(plan: Plan, state: BatchState, *, service: str = HERE, **allowed: Any) -> Preflight:
    return check_ledger(plan, state, LEDGER, service=service, environ={}, **allowed)


def counts(preflight: Preflight) -> dict[str, int]:
    return {outcome.value: n for outcome, n in preflight.outcomes.items() if n}


def test_a_new_ledger_has_everything_before_it() -> None:
    found = checked(plan_of(5), BatchState())
    assert (found.is_new, found.target_changed, found.is_finished) == (True, False, False)
    assert (counts(found), found.to_send, found.to_settle) == ({"pending": 5}, 5, 0)


def test_a_batch_that_was_cut_off_continues_where_it_was() -> None:
    plan = plan_of(10)
    found = checked(plan, state_of(plan, submitted=[0, 1, 2], rejected=[3], failed=[4], unknown=[5, 6]))
    assert counts(found) == {"pending": 3, "submitted": 3, "rejected": 1, "failed": 1, "unknown": 2}
    assert (found.is_new, found.target_changed, found.is_finished) == (False, False, False)
    assert (found.to_send, found.to_settle) == (3, 2)


def test_runs_that_are_asked_for_again_are_to_be_sent() -> None:
    plan = plan_of(4)
    state = state_of(plan, submitted=[0, 1], rejected=[2], failed=[3])
    assert checked(plan, state).is_finished
    again = checked(plan, state, retry=RETRY)
    assert (again.to_send, again.is_finished) == (2, False)
    assert checked(plan, state, retry=frozenset({Outcome.FAILED})).to_send == 1


def test_unknown_runs_alone_are_something_left_to_do() -> None:
    plan = plan_of(2)
    found = checked(plan, state_of(plan, submitted=[0], unknown=[1]))
    assert (found.to_send, found.to_settle, found.is_finished) == (0, 1, False)


def test_another_service_needs_permission() -> None:
    plan = plan_of(2)
    state = state_of(plan, submitted=[0])
    with pytest.raises(LedgerMismatchError, match=f"submitted to {HERE}, not to {ELSEWHERE}"):
        checked(plan, state, service=ELSEWHERE)
    with pytest.raises(LedgerMismatchError, match="--to-another-server"):
        checked(plan, state, service=ELSEWHERE, extend=True)
    found = checked(plan, state, service=ELSEWHERE, to_another_server=True)
    assert (found.target_changed, found.to_send) == (True, 1)


def test_permission_that_is_not_needed_changes_nothing() -> None:
    plan = plan_of(2)
    state = state_of(plan, submitted=[0])
    assert checked(plan, state, extend=True, to_another_server=True) == checked(plan, state)


def test_another_plan_needs_permission_and_the_difference_is_shown() -> None:
    state = state_of(plan_of(3), submitted=[0, 1, 2])
    with pytest.raises(LedgerMismatchError) as refused:
        checked(plan_of(5), state)
    (problem,) = refused.value.problems
    assert problem.place == str(LEDGER)
    assert "2 new, 0 removed, 3 already submitted" in problem.fact
    assert "--extend" in problem.fix
    with pytest.raises(LedgerMismatchError, match="--extend"):
        checked(plan_of(5), state, to_another_server=True)


def test_an_extended_batch_has_the_new_runs_to_send() -> None:
    found = checked(plan_of(5), state_of(plan_of(3), submitted=[0, 1, 2]), extend=True)
    assert (counts(found), found.to_send, found.target_changed) == ({"submitted": 3, "pending": 2}, 2, True)


def test_removed_runs_are_no_longer_counted() -> None:
    state = state_of(plan_of(6), submitted=[0, 5], rejected=[1, 4], failed=[3])
    found = checked(plan_of(3), state, extend=True, retry=RETRY)
    assert counts(found) == {"submitted": 1, "rejected": 1, "pending": 1}
    assert sum(found.outcomes.values()) == 3
    assert found.to_send == 2


def test_a_run_that_may_exist_is_settled_also_if_the_plan_no_longer_contains_it() -> None:
    state = state_of(plan_of(4), submitted=[0], unknown=[3])
    assert checked(plan_of(3), state, extend=True).to_settle == 1
    assert checked(plan_of(5), state, extend=True).to_settle == 1


def test_a_batch_with_unknown_runs_does_not_move_to_another_service() -> None:
    plan = plan_of(3)
    with pytest.raises(LedgerMismatchError, match="1 runs may exist at"):
        checked(plan, state_of(plan, unknown=[1]), service=ELSEWHERE, to_another_server=True)


def test_a_batch_of_which_nothing_exists_moves_freely() -> None:
    plan = plan_of(3)
    found = checked(plan, state_of(plan, rejected=[1]), service=ELSEWHERE)
    assert (found.service_changed, found.target_changed, found.to_send) == (True, True, 2)


def test_points_that_would_be_created_again_need_a_permission_of_their_own() -> None:
    before = plan_of(3)
    after = build_plan(
        Manifest.parse(SWEEP.replace("LAST", "3").replace("tiny", "small"), name="tiles", directory="."), environ={}
    )
    events: list[Event] = [new_batch(before, HERE)]
    for run in list(before)[:2]:
        point = msgspec.Raw(run.point_json)
        events += [AttemptEvent(at=AT, key=run.key, n=1, name=run.name)]
        events += [SubmittedEvent(at=AT, key=run.key, n=1, run_id=f"id-{run.index}", name=run.name, point=point)]
    LEDGER.write_bytes(b"".join(map(event_line, events)))

    def asked(**allowed: Any) -> Preflight:
        return checked(after, read_state(LEDGER), **allowed)

    with pytest.raises(LedgerMismatchError, match=r"2 of these points were already created.*--extend --recreate"):
        asked()
    with pytest.raises(LedgerMismatchError, match=r"would run and be billed again.*allow it with --recreate"):
        asked(extend=True)
    assert asked(extend=True, recreate=True).to_send == 3


def test_another_environment_value_is_another_batch() -> None:
    text = SWEEP.replace("LAST", "2").replace('"--tile", ', '"--bucket", "{{env.BUCKET}}", ')

    def plan(bucket: str) -> Plan:
        environ = {"BUCKET": bucket}
        return build_plan(Manifest.parse(text, name="tiles", directory=".", environ=environ), environ=environ)

    state = state_of(plan("a"), submitted=[0])
    with pytest.raises(LedgerMismatchError, match=r"changed: env\.BUCKET"):
        checked(plan("b"), state)
    found = checked(plan("b"), state, extend=True)
    assert (found.target_changed, found.to_send) == (True, 1)


def test_what_it_found_is_said_in_one_sentence() -> None:
    plan = plan_of(2000, extra="[submit]\nmax_points = 2000\n")
    state = state_of(plan, submitted=[0, 1], unknown=[2])
    assert checked(plan, state).describe() == ("1,997 pending, 2 submitted, 1 unknown; 1,997 to send, 1 to settle")
    assert checked(plan_of(1), state_of(plan_of(1), submitted=[0])).describe() == "1 submitted"


def test_a_plan_with_placeholders_left_is_refused() -> None:
    text = SWEEP.replace("LAST", "2").replace('"--tile", ', '"--bucket", "{{env.BUCKET}}", ')
    manifest = Manifest.parse(text, name="tiles", directory=".", environ={"BUCKET": "b"})
    with pytest.raises(UsageError, match=r"\{\{env\.BUCKET\}\}"):
        check_plan(build_plan(manifest))
    check_plan(build_plan(manifest, environ={"BUCKET": "b"}))
    check_plan(plan_of(1))
