import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.verdicts import NextStep, Pressure, judge, judge_read
from batchrun.errors import ApiError, Trouble
from batchrun.tracking.reading import ReadFailure, failure_of
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable


def refused(status: int, code: str | None = None, wait: float | None = None) -> Refused:
    return Refused(Trouble(status=status, code=code), wait)


@pytest.mark.parametrize(
    ("answer", "next_step", "pressure", "is_counted"),
    [
        (Created("gt3oirei5widjk"), NextStep.SUBMITTED, Pressure.NONE, False),
        (Unreadable(201, "cut"), NextStep.SETTLE_ONLY, Pressure.NONE, False),
        (refused(400, "BAD_REQUEST_ERROR"), NextStep.REJECT, Pressure.NONE, False),
        (refused(404), NextStep.REJECT, Pressure.NONE, False),
        (refused(405), NextStep.REJECT, Pressure.NONE, False),
        (refused(413), NextStep.REJECT, Pressure.NONE, False),
        (refused(422, "INVALID_INPUT_ERROR"), NextStep.REJECT, Pressure.NONE, False),
        (refused(418), NextStep.REJECT, Pressure.NONE, False),
        (refused(401, "UNAUTHORIZED_ERROR"), NextStep.STOP, Pressure.NONE, False),
        (refused(403), NextStep.STOP, Pressure.NONE, False),
        (refused(403, "INSUFFICIENT_QUOTA_ERROR"), NextStep.RETRY, Pressure.QUOTA, False),
        (refused(403, "RATE_LIMIT_ERROR"), NextStep.RETRY, Pressure.RATE, False),
        (refused(408), NextStep.RETRY, Pressure.RATE, False),
        (refused(425), NextStep.RETRY, Pressure.RATE, False),
        (refused(429), NextStep.RETRY, Pressure.RATE, False),
        (refused(429, "INSUFFICIENT_QUOTA_ERROR"), NextStep.RETRY, Pressure.QUOTA, False),
        (refused(400, "RATE_LIMIT_ERROR"), NextStep.RETRY, Pressure.RATE, False),
        (refused(409, "CONFLICT_ERROR"), NextStep.RETRY, Pressure.NONE, True),
        (refused(409, "INSUFFICIENT_QUOTA_ERROR"), NextStep.RETRY, Pressure.QUOTA, False),
        (refused(301), NextStep.STOP, Pressure.NONE, False),
        (refused(307), NextStep.STOP, Pressure.NONE, False),
        (refused(503, "INTERNAL_SERVER_ERROR", 2.0), NextStep.SETTLE, Pressure.RATE, True),
        (refused(503, None, 2.0), NextStep.SETTLE, Pressure.SICK, True),
        (refused(503, "INTERNAL_SERVER_ERROR"), NextStep.SETTLE, Pressure.SICK, True),
        (refused(500), NextStep.SETTLE, Pressure.SICK, True),
        (refused(500, "INSUFFICIENT_QUOTA_ERROR"), NextStep.SETTLE, Pressure.SICK, True),
        (refused(502), NextStep.SETTLE, Pressure.SICK, True),
        (refused(599), NextStep.SETTLE, Pressure.SICK, True),
        (refused(700), NextStep.SETTLE, Pressure.SICK, True),
        (refused(100), NextStep.SETTLE, Pressure.SICK, True),
        (refused(408, "TIMEOUT_ERROR"), NextStep.SETTLE, Pressure.SICK, True),
        (refused(400, "TIMEOUT_ERROR"), NextStep.SETTLE, Pressure.SICK, True),
        (Lost("ReadTimeout"), NextStep.SETTLE, Pressure.SICK, True),
        (Lost("ConnectError", sent=False), NextStep.RETRY, Pressure.SICK, False),
    ],
)
def test_each_row_of_the_table(answer: Answer, next_step: NextStep, pressure: Pressure, is_counted: bool) -> None:
    verdict = judge(answer, may_exist=False)
    assert (verdict.next_step, verdict.pressure, verdict.is_counted) == (next_step, pressure, is_counted)


def test_a_conflict_is_settled_first_when_an_earlier_attempt_may_be_what_it_conflicts_with() -> None:
    assert judge(refused(409), may_exist=True).next_step is NextStep.SETTLE


def test_what_the_service_asked_for_is_kept() -> None:
    assert judge(refused(429, wait=5.2), may_exist=False).wait_s == 5.2
    assert judge(refused(409, wait=3.0), may_exist=False).wait_s == 3.0


@given(st.integers(0, 999), st.none() | st.text(), st.none() | st.floats(0, 3600), st.booleans())
def test_a_status_that_may_hide_a_created_run_is_never_simply_retried(
    status: int, code: str | None, wait: float | None, may_exist: bool
) -> None:
    verdict = judge(refused(status, code, wait), may_exist=may_exist)
    if not 300 <= status < 500 and status != 503:
        assert verdict.next_step is NextStep.SETTLE


CODES = (None, "RATE_LIMIT_ERROR", "INSUFFICIENT_QUOTA_ERROR", "TIMEOUT_ERROR", "CONFLICT_ERROR", "NOT_FOUND_ERROR")
FINAL = {
    ReadFailure.PASSING: {NextStep.RETRY, NextStep.SETTLE},
    ReadFailure.UNAUTHORIZED: {NextStep.STOP},
    ReadFailure.REFUSED: {NextStep.STOP, NextStep.REJECT},  # a key that may create runs need not be allowed every call
    ReadFailure.NOT_FOUND: {NextStep.REJECT},
    ReadFailure.INVALID: {NextStep.REJECT},
}


@pytest.mark.parametrize("code", CODES)
def test_following_reads_a_refusal_as_attempts_do(code: str | None) -> None:
    """Rooms below the engine have a rule of their own, of fewer words; it must not drift."""
    conflict = {409}  # of creating a run, it may pass; of cancelling one, it says that the run has ended
    for status in (None, *sorted({*range(300, 620)} - conflict)):
        error = ApiError("GET /runs", "refused", trouble=Trouble(status=status, code=code))
        assert judge_read(error).next_step in FINAL[failure_of(error)], status
