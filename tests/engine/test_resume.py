import pytest

from batchrun.engine.sending.resume import unknown_work, unsent_work
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import (
    AttemptEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    SessionEvent,
    SubmittedEvent,
    UnknownEvent,
)
from batchrun.ledger.fold import BatchState, Outcome, fold
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

NOTHING: frozenset[Outcome] = frozenset()
RUNS = 6
RUN = list(plan_of(RUNS))
NEW, PENDING, SUBMITTED, REJECTED, FAILED, UNKNOWN = (run.key for run in RUN)


def attempts(key: str, n: int) -> list[Event]:
    """``n`` attempts, all but the last of them refused."""
    events: list[Event] = []
    for number in range(1, n + 1):
        events += [AttemptEvent(at=AT, key=key, n=number)]
        events += [RefusedEvent(at=AT, key=key, n=number, status=429)] if number < n else []
    return events


def state_of(*more: Event) -> BatchState:
    """One run of each outcome, in plan order."""
    state = BatchState()
    events: list[Event] = [
        batch(RUNS),
        SessionEvent(at=AT, action="start", pid=1, host="h", server_offset_s=-100.0),
        *attempts(PENDING, 3),
        RefusedEvent(at=AT, key=PENDING, n=3, status=429),
        *attempts(SUBMITTED, 1),
        SubmittedEvent(at=AT, key=SUBMITTED, n=1, run_id="gt1", name="x"),
        *attempts(REJECTED, 1),
        RejectedEvent(at=AT, key=REJECTED, n=1, name="x", status=422),
        *attempts(FAILED, 2),
        FailedEvent(at=AT, key=FAILED, n=2, name="x"),
        *attempts(UNKNOWN, 2),
        *more,
    ]
    for event in events:
        fold(state, event)
    return state


@pytest.mark.parametrize(
    ("retry", "keys"),
    [
        (NOTHING, [NEW, PENDING]),
        ({Outcome.REJECTED}, [NEW, PENDING, REJECTED]),
        ({Outcome.FAILED}, [NEW, PENDING, FAILED]),
        ({Outcome.REJECTED, Outcome.FAILED}, [NEW, PENDING, REJECTED, FAILED]),
        (set(Outcome), [NEW, PENDING, REJECTED, FAILED]),
    ],
)
def test_what_is_sent_is_what_is_pending_and_what_was_asked_for_in_plan_order(
    retry: set[Outcome], keys: list[str]
) -> None:
    assert [work.run.key for work in unsent_work(plan_of(RUNS), state_of(), frozenset(retry))] == keys


def test_attempts_are_numbered_on_and_earlier_failures_are_forgiven() -> None:
    works = {work.run.key: work for work in unsent_work(plan_of(RUNS), state_of(), frozenset(Outcome))}
    assert {key: work.n for key, work in works.items()} == {NEW: 0, PENDING: 3, REJECTED: 1, FAILED: 2}
    assert all(work.failed_attempts == 0 for work in works.values())


def test_every_run_of_an_empty_ledger_is_to_be_sent() -> None:
    assert [work.run for work in unsent_work(plan_of(RUNS), BatchState(), NOTHING)] == RUN


def test_an_attempt_that_a_crash_cut_off_is_settled_first() -> None:
    (work,) = unknown_work(plan_of(RUNS), state_of())
    assert (work.run.key, work.n, work.failed_attempts, work.exists_without_id) == (UNKNOWN, 2, 1, False)
    assert work.first_unknown_at_s == epoch_seconds(AT) - 100.0


def test_a_run_that_exists_without_an_id_stays_one_that_is_never_sent_again() -> None:
    lost = UnknownEvent(at=AT, key=UNKNOWN, n=2, reason="no JSON", created=True)
    (work,) = unknown_work(plan_of(RUNS), state_of(lost))
    assert work.exists_without_id


def test_nothing_is_settled_that_is_not_unknown() -> None:
    state = state_of(SubmittedEvent(at=AT, key=UNKNOWN, n=2, run_id="gt2", name="x"))
    assert list(unknown_work(plan_of(RUNS), state)) == []


def test_a_run_is_either_sent_or_settled_and_never_both() -> None:
    for retry in (NOTHING, frozenset(Outcome)):
        sent = {work.run.key for work in unsent_work(plan_of(RUNS), state_of(), retry)}
        settled = {work.run.key for work in unknown_work(plan_of(RUNS), state_of())}
        assert not sent & settled
