"""Each way that an attempt can end: what the ledger holds then, what the tally says, and where the run goes."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.engine.sending.backlog import Work
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.verdicts import judge
from batchrun.errors import Trouble
from batchrun.ledger.events import FailedEvent, RefusedEvent, RejectedEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.fold import Outcome
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from tests.engine.parts import Parts, open_parts
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock

SENT_AT_S = 1_800_000_123.0
INVALID = Trouble(
    status=422, code="INVALID_INPUT_ERROR", message="no such runtime", field="runtime", suggestion="use tiny"
)


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


class SilentService(httpx.AsyncBaseTransport):
    """Never asked: the answers are given as values."""


def parts_in(folder: Path, *, runs: int = 3, **settings: Any) -> Any:
    return open_parts(folder, plan_of(runs), SilentService(), settings=SubmitSettings(**settings))


async def answered(parts: Parts, answer: Answer, work: Work | None = None) -> Work:
    """A run whose attempt was journaled, sent and answered."""
    work = work or await parts.take()
    work.n += 1
    await parts.ledger.attempted(work.key, work.n, work.name)
    verdict = judge(answer, may_exist=work.may_exist)
    parts.outcomes.answered(work, answer, verdict, sent_at_s=SENT_AT_S)
    return work


def refused(status: int, code: str | None = None, wait_s: float | None = None) -> Refused:
    return Refused(Trouble(status=status, code=code), wait_s)


async def is_done(parts: Parts, work: Work) -> bool:
    """Whether the run left for good: it neither waits, nor is settled, nor is out."""
    return not parts.is_settling(work) and parts.backlog.waiting == 0 and parts.backlog.is_finished


async def waits_s(parts: Parts, work: Work, clock: VirtualClock) -> float:
    """How long it takes until the run is handed out again."""
    began_s = clock.now_s
    assert await parts.backlog.take() is work
    return clock.now_s - began_s


async def test_a_run_that_was_created_is_submitted_with_its_id_name_and_point(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Created("gt1", "PENDING"))
        event = (await parts.events())[-1]
        assert isinstance(event, SubmittedEvent)
        assert (event.key, event.n, event.run_id, event.name) == (work.run.key, 1, "gt1", work.run.name)
        assert (event.status, event.via, bytes(event.point)) == ("PENDING", "response", work.run.point_json)
        assert parts.counts == {"submitted": 1}
        assert await is_done(parts, work)


async def test_a_created_run_is_active_until_it_ends(tmp_path: Path) -> None:
    async with parts_in(tmp_path, max_active=3) as parts:
        first = await answered(parts, Created("gt1", "RUNNING"))
        await answered(parts, Created("gt2", "COMPLETED"))
        assert {run_id: run.key for run_id, run in parts.active_runs.active.items()} == {"gt1": first.run.key}


async def test_a_rejected_run_keeps_what_the_service_said_and_is_not_sent_again(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Refused(INVALID))
        event = (await parts.events())[-1]
        assert isinstance(event, RejectedEvent)
        assert (event.n, event.name, event.trouble) == (1, work.run.name, INVALID)
        assert bytes(event.point) == work.run.point_json
        assert parts.counts == {"rejected": 1}
        assert await is_done(parts, work)
        assert not parts.switch.is_pulled


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Lost("ReadTimeout"), "ReadTimeout"),
        (refused(500, "INTERNAL_SERVER_ERROR"), "HTTP 500 (INTERNAL_SERVER_ERROR)"),
        (refused(502), "HTTP 502"),
    ],
)
async def test_an_attempt_that_may_have_created_its_run_is_unknown_and_goes_to_be_settled(
    tmp_path: Path, answer: Answer, reason: str
) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, answer)
        event = (await parts.events())[-1]
        assert isinstance(event, UnknownEvent)
        assert (event.n, event.reason, event.created) == (1, reason, False)
        assert parts.counts == {"unknown": 1}
        assert parts.is_settling(work)
        assert parts.backlog.waiting == 0
        assert not parts.backlog.is_finished
        assert (work.failed_attempts, work.first_unknown_at_s) == (1, SENT_AT_S)


async def test_a_created_run_without_a_readable_id_is_unknown_and_marked_as_existing(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Unreadable(201, "no JSON"))
        event = (await parts.events())[-1]
        assert isinstance(event, UnknownEvent)
        assert (event.reason, event.created) == ("no JSON", True)
        assert work.exists_without_id
        assert (await parts.state()).runs[work.run.key].created
        assert parts.is_settling(work)


async def test_the_first_attempt_that_may_have_created_a_run_is_the_one_that_is_remembered(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Lost("first"))
        work.first_unknown_at_s = 7.0
        parts.unqueue(work)
        parts.outcomes.absent(work)
        await parts.backlog.take()
        await answered(parts, Lost("second"), work)
        assert work.first_unknown_at_s == 7.0
        assert work.failed_attempts == 2


async def test_a_refusal_for_rate_waits_as_long_as_the_service_asked_and_never_counts(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with parts_in(tmp_path, runs=1, max_attempts=2) as parts:
        work = await answered(parts, refused(429, "RATE_LIMIT_ERROR", 4.0))
        event = (await parts.events())[-1]
        assert isinstance(event, RefusedEvent)
        assert (event.status, event.code, event.retry_in) == (429, "RATE_LIMIT_ERROR", 4.0)
        assert parts.counts == {"pending": 1}
        assert parts.backlog.waiting == 1
        assert await waits_s(parts, work, clock) == pytest.approx(4.0)
        for _ in range(5):
            await answered(parts, refused(429), work)
            await parts.backlog.take()
        assert parts.counts == {"pending": 1}
        assert work.failed_attempts == 0


async def test_an_attempt_that_never_left_waits_and_never_counts(tmp_path: Path, clock: VirtualClock) -> None:
    async with parts_in(tmp_path, runs=1, max_attempts=1) as parts:
        work = await answered(parts, Lost("ConnectError", sent=False))
        event = (await parts.events())[-1]
        assert isinstance(event, RefusedEvent)
        assert (event.status, event.code) == (None, "UNSENT")
        assert parts.counts == {"pending": 1}
        assert work.first_unknown_at_s is None
        assert await waits_s(parts, work, clock) <= 0.5 + 1e-3


async def test_conflicts_count_and_the_last_of_them_fails_the_run(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1, max_attempts=3) as parts:
        work = await answered(parts, refused(409, "CONFLICT_ERROR"))
        for _ in range(2):
            assert parts.counts == {"pending": 1}
            await parts.backlog.take()
            await answered(parts, refused(409, "CONFLICT_ERROR"), work)
        *_, refusal, failure = await parts.events()
        assert isinstance(refusal, RefusedEvent)
        assert isinstance(failure, FailedEvent)
        assert (failure.n, failure.name, failure.trouble) == (
            3,
            work.run.name,
            Trouble(status=409, code="CONFLICT_ERROR"),
        )
        assert parts.counts == {"failed": 1}
        assert await is_done(parts, work)


async def test_a_conflict_after_a_lost_attempt_may_be_with_that_attempt_and_is_settled(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Lost("ReadTimeout"))
        parts.unqueue(work)
        parts.outcomes.absent(work)
        await parts.backlog.take()
        await answered(parts, refused(409, "CONFLICT_ERROR"), work)
        assert parts.counts == {"unknown": 1}
        assert parts.is_settling(work)


async def test_a_quota_that_active_runs_use_up_is_waited_for_without_counting(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with parts_in(tmp_path, runs=2, max_active=5, max_attempts=1) as parts:
        await answered(parts, Created("gt1", "RUNNING"))
        work = await answered(parts, refused(403, "INSUFFICIENT_QUOTA_ERROR"))
        assert parts.counts == {"submitted": 1, "pending": 1}
        assert parts.active_runs.limit == 1
        assert await waits_s(parts, work, clock) == pytest.approx(1.0)


async def test_a_quota_that_others_hold_never_counts_either(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1, max_attempts=1) as parts:
        work = await answered(parts, refused(403, "INSUFFICIENT_QUOTA_ERROR"))
        assert parts.counts == {"pending": 1}
        assert work.failed_attempts == 0
        assert parts.active_runs.limit == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(401, "UNAUTHORIZED_ERROR"), StopReason.UNAUTHORIZED),
        (refused(403), StopReason.UNAUTHORIZED),
        (refused(307), StopReason.REDIRECTED),
    ],
)
async def test_a_refusal_of_everything_stops_the_batch_and_the_run_stays_to_be_sent(
    tmp_path: Path, answer: Refused, reason: StopReason
) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, answer)
        event = (await parts.events())[-1]
        assert isinstance(event, RefusedEvent)
        assert (event.status, event.retry_in) == (answer.http_status, None)
        assert parts.switch.stop is not None
        assert parts.switch.stop.reason is reason
        assert parts.counts == {"pending": 1}
        assert await parts.backlog.take() is work


async def test_a_journaled_attempt_that_was_not_sent_says_so_and_goes_back_at_once(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await parts.take()
        work.n += 1
        await parts.ledger.attempted(work.key, work.n, work.name)
        parts.outcomes.unsent(work)
        event = (await parts.events())[-1]
        assert isinstance(event, RefusedEvent)
        assert (event.n, event.status, event.code) == (1, None, "UNSENT")
        assert await parts.outcome(work) is Outcome.PENDING
        assert work.failed_attempts == 0
        assert await waits_s(parts, work, clock) == pytest.approx(0.0, abs=1e-3)


async def test_a_run_that_settling_found_is_submitted(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Lost("ReadTimeout"))
        parts.unqueue(work)
        parts.outcomes.settled(work, run_id="gt1", status="RUNNING", duplicates=[])
        event = (await parts.events())[-1]
        assert isinstance(event, SubmittedEvent)
        assert (event.run_id, event.status, event.via, event.duplicates) == ("gt1", "RUNNING", "settled", [])
        assert parts.counts == {"submitted": 1}
        assert parts.tally.settled == 1
        assert parts.observer.seen == []
        assert await is_done(parts, work)


async def test_duplicates_are_in_the_ledger_and_a_person_hears_of_them(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Lost("ReadTimeout"))
        parts.unqueue(work)
        parts.outcomes.settled(work, run_id="gt1", status=None, duplicates=["gt2", "gt3"])
        assert (await parts.state()).duplicates == {work.run.key: ["gt2", "gt3"]}
        (note,) = parts.observer.seen
        assert note.place == work.run.name
        assert "3 runs with this name; gt1 is adopted" in note.fact
        assert "gt2, gt3" in note.fix


async def test_a_run_that_settling_did_not_find_is_sent_again_after_a_while(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with parts_in(tmp_path, runs=1, max_attempts=2) as parts:
        work = await answered(parts, Lost("ReadTimeout"))
        parts.unqueue(work)
        parts.outcomes.absent(work)
        assert parts.counts == {"pending": 1}
        assert parts.backlog.waiting == 1
        assert await waits_s(parts, work, clock) <= 0.5 + 1e-3


async def test_a_run_whose_attempts_were_all_lost_fails_in_the_end(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1, max_attempts=2) as parts:
        work = await answered(parts, Lost("ReadTimeout"))
        parts.outcomes.absent(work)
        await parts.backlog.take()
        await answered(parts, Lost("ReadTimeout"), work)
        parts.unqueue(work)
        parts.outcomes.absent(work)
        event = (await parts.events())[-1]
        assert isinstance(event, FailedEvent)
        assert event.n == 2
        assert "2 attempts" in (event.message or "")
        assert parts.counts == {"failed": 1}
        assert await is_done(parts, work)


async def test_a_run_that_cannot_be_settled_stays_unknown_and_a_person_hears_of_it(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=1) as parts:
        work = await answered(parts, Lost("ReadTimeout"))
        parts.unqueue(work)
        parts.outcomes.stays_unknown(work, "the runs cannot be listed")
        assert await parts.outcome(work) is Outcome.UNKNOWN
        assert parts.counts == {"unknown": 1}
        assert [note.place for note in parts.observer.seen] == [work.run.name]
        assert await is_done(parts, work)


async def test_too_many_bad_ends_stop_the_batch(tmp_path: Path) -> None:
    async with parts_in(tmp_path, stop_after_failures=2) as parts:
        await answered(parts, Refused(INVALID))
        assert not parts.switch.is_pulled
        await answered(parts, Refused(INVALID))
        assert parts.switch.stop is not None
        assert parts.switch.stop.reason is StopReason.FAILURES


async def test_twenty_identical_rejections_stop_the_batch_before_the_rest_is_sent(tmp_path: Path) -> None:
    async with parts_in(tmp_path, runs=30) as parts:
        for _ in range(19):
            await answered(parts, Refused(INVALID))
        assert not parts.switch.is_pulled
        await answered(parts, Refused(INVALID))
        assert parts.switch.stop is not None
        assert parts.switch.stop.reason is StopReason.ALL_REJECTED
        assert parts.counts == {"rejected": 20, "pending": 10}


@pytest.mark.parametrize(
    "answer",
    [
        Created("gt1", "PENDING"),
        Unreadable(201, "cut"),
        Lost("ReadTimeout"),
        Lost("ConnectError", sent=False),
        *[refused(status) for status in (307, 400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504)],
        refused(403, "INSUFFICIENT_QUOTA_ERROR"),
        refused(503, "INTERNAL_SERVER_ERROR", 2.0),
        refused(408, "TIMEOUT_ERROR"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("max_attempts", [1, 8])
async def test_after_any_first_answer_the_tally_says_what_a_reader_of_the_ledger_finds(
    tmp_path: Path, answer: Answer, max_attempts: int
) -> None:
    async with parts_in(tmp_path, max_attempts=max_attempts) as parts:
        work = await answered(parts, answer)
        state = await parts.state()
        assert {outcome: state.count(outcome) for outcome in Outcome} == parts.tally.outcomes
        assert state.open_attempts == 0
        assert state.runs[work.run.key].n == 1
