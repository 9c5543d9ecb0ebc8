"""Runs that were not submitted, grouped by the service's error."""

import pytest

from batchrun.errors import Trouble
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.report.reasons import FailedRun, failed_runs, reasons


def run(
    outcome: Outcome,
    trouble: Trouble | None = None,
    *,
    name: str | None = None,
    is_open: bool = False,
    attempts: int = 1,
) -> RunState:
    state = RunState()
    state.outcome, state.trouble, state.name, state.open, state.n = outcome, trouble, name, is_open, attempts
    return state


def state_of(*runs: RunState) -> BatchState:
    return BatchState(runs={f"key-{number}": each for number, each in enumerate(runs)})


def invalid(message: str = "too small") -> Trouble:
    return Trouble(status=422, code="VALIDATION_ERROR", message=message, field="args", suggestion="grow")


def test_runs_with_the_same_outcome_and_error_are_one_reason() -> None:
    state = state_of(*(run(Outcome.REJECTED, invalid(), name=f"run-{n}") for n in range(5)))
    [reason] = reasons(state, is_running=False)
    assert reason.json() == {
        "outcome": Outcome.REJECTED,
        "status": 422,
        "code": "VALIDATION_ERROR",
        "message": "too small",
        "field": "args",
        "suggestion": "grow",
        "runs": 5,
        "examples": ("run-0", "run-1", "run-2"),
    }


def test_the_largest_group_is_first_and_the_outcome_separates_groups() -> None:
    state = state_of(
        run(Outcome.REJECTED, invalid("rare"), name="a"),
        run(Outcome.FAILED, invalid(), name="b"),
        run(Outcome.REJECTED, invalid(), name="c"),
        run(Outcome.REJECTED, invalid(), name="d"),
    )
    found = [(reason.outcome, reason.trouble.message, reason.runs) for reason in reasons(state, is_running=False)]
    assert found[0] == (Outcome.REJECTED, "too small", 2)
    assert sorted(found[1:]) == [(Outcome.FAILED, "too small", 1), (Outcome.REJECTED, "rare", 1)]


@pytest.mark.parametrize("outcome", [Outcome.SUBMITTED, Outcome.PENDING])
def test_runs_that_are_submitted_or_still_to_be_sent_need_no_reason(outcome: Outcome) -> None:
    assert reasons(state_of(run(outcome, invalid(), name="a")), is_running=False) == ()


def test_an_open_attempt_is_in_flight_while_a_session_runs_and_lost_afterwards() -> None:
    state = state_of(run(Outcome.UNKNOWN, is_open=True))
    assert reasons(state, is_running=True) == ()
    [reason] = reasons(state, is_running=False)
    assert (reason.outcome, reason.trouble.message, reason.examples) == (
        Outcome.UNKNOWN, "the process ended before the response was recorded", (),
    )  # fmt: skip


def test_failed_runs_are_listed_in_the_order_of_the_ledger() -> None:
    state = state_of(
        run(Outcome.FAILED, invalid(), name="a", attempts=8),
        run(Outcome.SUBMITTED),
        run(Outcome.UNKNOWN, Trouble(message="connection reset")),
        run(Outcome.REJECTED, Trouble(status=413), name="b"),
    )
    first, second = failed_runs(state)
    assert first == FailedRun(
        key="key-0", name="a", outcome=Outcome.FAILED, attempts=8, trouble=invalid(),
    )  # fmt: skip
    assert (second.key, second.name, second.trouble.status, second.trouble.message) == ("key-3", "b", 413, None)
