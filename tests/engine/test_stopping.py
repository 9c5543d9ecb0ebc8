from collections.abc import Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.stopping import AlikeAnswers, Stop, StopReason, StopSwitch, failures_stop, refusal_stop
from batchrun.engine.tally import Tally
from batchrun.engine.verdicts import NextStep, judge
from batchrun.errors import Problem, Trouble
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from tests.ledger.test_ledger import batch

URL = "https://api.example.com"


def rejection(code: str = "INVALID_INPUT_ERROR", field: str = "runtime", message: str = "no such runtime") -> Refused:
    return Refused(Trouble(status=422, code=code, field=field, message=message, suggestion="use tiny"))


TOO_FAST = Refused(Trouble(status=429))


def stops(answers: Sequence[Answer]) -> list[Stop]:
    watch = AlikeAnswers()
    seen = [watch.see(answer, judge(answer, may_exist=False)) for answer in answers]
    return [stop for stop in seen if stop is not None]


def test_twenty_identical_rejections_are_enough() -> None:
    assert stops([rejection()] * 19) == []
    (stop,) = stops([rejection()] * 20)
    assert stop.reason is StopReason.ALL_REJECTED
    assert stop.problem.place == "runtime"
    assert "no such runtime" in stop.problem.fact
    assert stop.problem.fix == "use tiny"


def test_twenty_answers_that_nobody_can_read_are_enough() -> None:
    page = Unreadable(200, "the body cannot be parsed: JSON is malformed")
    assert stops([page] * 19) == []
    (stop,) = stops([page] * 20)
    assert stop.reason is StopReason.UNREADABLE
    assert "HTTP 200, the body cannot be parsed" in stop.problem.fact
    assert stops([page] * 19 + [Created("gt1")] + [page] * 19) == []
    assert stops([page] * 10 + [rejection()] * 100) == []


def test_twenty_unreadable_answers_in_a_row_are_enough_in_mid_batch() -> None:
    page = Unreadable(200, "the body cannot be parsed: JSON is malformed")
    (stop,) = stops([Created("gt1")] * 5 + [page] * 290)
    assert stop.reason is StopReason.UNREADABLE
    assert stop.problem.fact.startswith("none of the last 20 responses can be read; HTTP 200, the body")
    assert stops([*[page] * 10, Created("gt1"), *[page] * 10, Unreadable(204, "empty"), *[page] * 19]) == []


def test_rejections_that_differ_in_their_message_only_are_identical() -> None:
    assert len(stops([rejection(message=f"no runtime {n}") for n in range(20)])) == 1


@pytest.mark.parametrize(
    "other", [Created("gt1"), TOO_FAST, Lost("ReadTimeout"), Lost("refused", sent=False), rejection(field="name")]
)
@pytest.mark.parametrize("position", [0, 1, 10, 19])
def test_one_other_answer_among_the_first_ends_the_watch_for_good(other: Answer, position: int) -> None:
    answers: list[Answer] = [rejection()] * 19
    answers.insert(position, other)
    assert stops([*answers, *[rejection()] * 100]) == []


def test_it_stops_once() -> None:
    watch = AlikeAnswers()
    verdict = judge(rejection(), may_exist=False)
    assert sum(watch.see(rejection(), verdict) is not None for _ in range(20)) == 1


@given(st.lists(st.sampled_from([rejection(), rejection("OTHER"), rejection(field="x"), Created("g")]), max_size=60))
def test_only_twenty_of_a_kind_at_the_very_start_stop_a_batch(answers: list[Answer]) -> None:
    kinds = {
        (answer.trouble.code, answer.trouble.field) if isinstance(answer, Refused) else None for answer in answers[:20]
    }
    is_hopeless = len(answers) >= 20 and len(kinds) == 1 and None not in kinds
    assert bool(stops(answers)) is is_hopeless


def tally_of(planned: int, **counts: int) -> Tally:
    """A session of a batch in which a number of runs has ended."""
    tally = Tally(planned, BatchState(batch=batch(planned)))
    for name, count in counts.items():
        for _ in range(count):
            tally.move(Outcome.PENDING, Outcome(name))
    return tally


@pytest.mark.parametrize(
    ("bound", "rejected", "failed", "is_stopped"),
    [
        (None, 50, 50, False),
        (3, 2, 0, False),
        (3, 3, 0, True),
        (3, 1, 2, True),
        (1, 0, 0, False),
        (1, 0, 1, True),
    ],
)
def test_failures_as_a_count(bound: float | None, rejected: int, failed: int, is_stopped: bool) -> None:
    assert (failures_stop(tally_of(200, rejected=rejected, failed=failed), bound) is not None) is is_stopped


@pytest.mark.parametrize(
    ("submitted", "rejected", "is_stopped"),
    [
        (0, 19, False),  # too few have ended to speak of a share
        (0, 20, True),
        (18, 2, True),
        (19, 1, False),
        (90, 10, True),
        (91, 9, False),
        (200, 0, False),
    ],
)
def test_failures_as_a_share_of_what_ended(submitted: int, rejected: int, is_stopped: bool) -> None:
    tally = tally_of(1000, submitted=submitted, rejected=rejected)
    assert (failures_stop(tally, 0.1) is not None) is is_stopped


def test_a_small_batch_has_its_share_when_all_of_it_ended() -> None:
    assert failures_stop(tally_of(5, submitted=3, rejected=1), 0.1) is None
    assert failures_stop(tally_of(5, submitted=4, rejected=1), 0.1) is not None


def test_the_bound_is_shown_as_it_was_given() -> None:
    for bound, shown in [(25.0, "stop_after_failures is 25"), (0.05, "stop_after_failures is 5%")]:
        stop = failures_stop(tally_of(100, rejected=25), bound)
        assert stop is not None
        assert stop.reason is StopReason.FAILURES
        assert shown in stop.problem.fact


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_wrong_base_url(status: int) -> None:
    stop = refusal_stop(Refused(Trouble(status=status)), URL)
    assert stop.reason is StopReason.REDIRECTED
    assert stop.problem.place == URL
    assert f"HTTP {status}" in stop.problem.fact


def test_a_402_is_about_the_account_and_keeps_what_the_service_says() -> None:
    refused = Refused(Trouble(status=402, message="pay"))
    assert judge(refused, may_exist=False).next_step is NextStep.STOP
    quota = Refused(Trouble(status=402, code="INSUFFICIENT_QUOTA_ERROR"))
    assert judge(quota, may_exist=False).next_step is NextStep.RETRY
    stop = refusal_stop(refused, URL)
    assert stop.reason is StopReason.ACCOUNT
    assert stop.problem.text() == (
        f"{URL}: the service refuses this account, HTTP 402: pay; check the account's plan and billing, then resume"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_is_the_keys_fault(status: int) -> None:
    stop = refusal_stop(Refused(Trouble(status=status, message="expired")), URL)
    assert stop.reason is StopReason.UNAUTHORIZED
    assert f"HTTP {status}: expired" in stop.problem.fact
    assert "WHEROBOTS_API_KEY" in stop.problem.fix


def stop_for(reason: StopReason) -> Stop:
    return Stop(reason, Problem("submit", reason.value))


async def test_the_first_reason_given_stays_and_everyone_who_waits_is_woken() -> None:
    switch, woken = StopSwitch(), list[int]()
    assert not switch.is_pulled

    async def wait(n: int) -> None:
        await switch.wait_pulled()
        woken.append(n)

    async with anyio.create_task_group() as tasks:
        for n in range(3):
            tasks.start_soon(wait, n)
        switch.pull(stop_for(StopReason.LEDGER))
        switch.pull(stop_for(StopReason.INTERRUPTED))
    assert switch.stop == stop_for(StopReason.LEDGER)
    assert sorted(woken) == [0, 1, 2]
    await switch.wait_pulled()
