"""The event in which an attempt ends, and the words for it, by what came back."""

import pytest

from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.endings import (
    end_event,
    failure_words,
    reason_of,
    refused_event,
    submitted_event,
    trouble_of,
    unknown_event,
)
from batchrun.errors import NO_TROUBLE, Trouble
from batchrun.ledger.events import FailedEvent, RejectedEvent
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT

RUN = next(iter(plan_of(1)))
QUOTA = Trouble(status=402, code="INSUFFICIENT_QUOTA_ERROR", message="no room", field="run", suggestion="wait")


def work(**more: object) -> Work:
    made = Work(key=RUN.key, name=RUN.name, planned=RUN, n=2)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_a_run_found_by_settling_says_so_even_without_duplicates() -> None:
    by_response = submitted_event(AT, work(), run_id="r1", status="PENDING")
    by_list = submitted_event(AT, work(generation=2), run_id="r1", status=None, duplicates=[])
    assert (by_response.via, bytes(by_response.point), by_response.n) == ("response", RUN.point_json, 2)
    assert (by_list.via, by_list.duplicates, by_list.generation) == ("settled", [], 2)


def test_a_creation_lag_is_recorded_to_the_millisecond_and_only_if_it_is_news() -> None:
    assert submitted_event(AT, work(creation_lag_s=1.23456), run_id="r1", status=None).creation_lag_s == 1.235
    assert submitted_event(AT, work(), run_id="r1", status=None).creation_lag_s is None


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Refused(QUOTA), 402, "INSUFFICIENT_QUOTA_ERROR"),
        (Refused(Trouble(status=429)), 429, None),
        (Lost("connection refused", sent=False), None, "UNSENT"),
    ],
)
def test_a_refusal_keeps_status_and_code(answer: Answer, status: int | None, code: str | None) -> None:
    event = refused_event(AT, work(), answer, 1.23456)
    assert (event.status, event.code, event.retry_in, event.n) == (status, code, 1.235, 2)


@pytest.mark.parametrize("kind", [RejectedEvent, FailedEvent])
def test_a_bad_end_keeps_everything_the_service_said(kind: type[RejectedEvent | FailedEvent]) -> None:
    event = end_event(kind, AT, work(), QUOTA)
    assert event.trouble == QUOTA
    assert (event.name, bytes(event.point)) == (RUN.name, RUN.point_json)


def test_a_run_that_left_the_plan_ends_without_a_point() -> None:
    assert bytes(end_event(FailedEvent, AT, work(planned=None), NO_TROUBLE).point) == b"{}"


def test_that_a_run_exists_without_a_readable_id_is_part_of_the_unknown() -> None:
    assert unknown_event(AT, work(exists_without_id=True), "cut").created
    assert not unknown_event(AT, work(), "reset").created


@pytest.mark.parametrize(
    ("answer", "trouble", "reason", "words"),
    [
        (Created("r1"), NO_TROUBLE, "", ""),
        (Refused(QUOTA), QUOTA, "HTTP 402 (INSUFFICIENT_QUOTA_ERROR)", QUOTA.describe()),
        (Refused(Trouble(status=502)), Trouble(status=502), "HTTP 502", Trouble(status=502).describe()),
        (Lost("reset"), Trouble(message="reset"), "reset", "responses are lost: reset"),
        (Lost("down", sent=False), Trouble(message="down"), "down", "service not reachable: down"),
        (Unreadable(201, "cut"), NO_TROUBLE, "cut", "responses cannot be read: cut"),
    ],
)
def test_each_answer_has_its_words(answer: Answer, trouble: Trouble, reason: str, words: str) -> None:
    assert (trouble_of(answer), reason_of(answer), failure_words(answer)) == (trouble, reason, words)
