"""A ledger file becomes a summary."""

from pathlib import Path

import pytest

from batchrun.errors import LedgerFormatError
from batchrun.ledger.events import (
    AttemptEvent,
    BatchEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    SessionEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)
from batchrun.ledger.fold import Outcome
from batchrun.report.summary import read_summary
from batchrun.report.writer_state import WriterState

AT = "2026-11-23T10:00:0{}.000Z"


def attempt(key: str, n: int = 1) -> AttemptEvent:
    return AttemptEvent(at=AT.format(1), key=key, n=n)


def rejected(key: str, message: str) -> RejectedEvent:
    return RejectedEvent(
        at=AT.format(2), key=key, n=1, name=f"run-{key}", status=422, code="VALIDATION", message=message
    )


EVENTS: list[Event] = [
    BatchEvent(
        at=AT.format(0),
        format=1,
        batch_id="id",
        name="sweep",
        runs=10,
        plan_sha256="x",
        base_url="emulator",
        batchrun="0",
    ),
    SessionEvent(at=AT.format(0), action="start", pid=1, host="h"),
    attempt("a"),
    SubmittedEvent(at=AT.format(2), key="a", n=1, run_id="r1", name="run-a", status="PENDING"),
    attempt("b"),
    RefusedEvent(at=AT.format(2), key="b", n=1, status=429, code="RATE_LIMIT_ERROR"),
    attempt("b", 2),
    UnknownEvent(at=AT.format(2), key="b", n=2, reason="connection reset"),
    SubmittedEvent(at=AT.format(3), key="b", n=2, run_id="r2", name="run-b", via="settled", duplicates=["r3"]),
    attempt("c"),
    rejected("c", "too small"),
    attempt("d"),
    rejected("d", "too small"),
    attempt("e"),
    rejected("e", "too large"),
    attempt("f"),
    FailedEvent(at=AT.format(3), key="f", n=1, name="run-f", status=409, code="CONFLICT_ERROR"),
    attempt("g"),
    UnknownEvent(at=AT.format(3), key="g", n=1, reason="connection reset"),
    attempt("h"),
    SessionEvent(at=AT.format(4), action="stop", pid=1, host="h", reason="done"),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.ledger.jsonl"
    path.write_bytes(b"".join(map(event_line, EVENTS)))
    return path


def test_every_planned_run_is_accounted_for(ledger: Path) -> None:
    summary = read_summary(ledger)
    assert summary.outcomes == {
        Outcome.PENDING: 2,
        Outcome.SUBMITTED: 2,
        Outcome.REJECTED: 3,
        Outcome.FAILED: 1,
        Outcome.UNKNOWN: 2,
        Outcome.DROPPED: 0,
    }
    assert sum(summary.outcomes.values()) == summary.planned == 10
    assert not summary.is_complete


def test_reasons_are_grouped_most_frequent_first(ledger: Path) -> None:
    found = [(why.runs, why.outcome.value, why.trouble.message, why.examples) for why in read_summary(ledger).reasons]
    assert found[0] == (2, "rejected", "too small", ("run-c", "run-d"))
    assert sorted(found[1:], key=str) == [
        (1, "failed", None, ("run-f",)),
        (1, "rejected", "too large", ("run-e",)),
        (1, "unknown", "connection reset", ()),
        (1, "unknown", "the process ended before the response was recorded", ()),
    ]


def test_what_went_by_is_counted(ledger: Path) -> None:
    summary = read_summary(ledger)
    assert summary.attempts == 9
    assert summary.refused == {"RATE_LIMIT_ERROR": 1}
    assert summary.settled == 1
    assert summary.duplicates == {"b": ["r3"]}
    assert summary.run_status == {"PENDING": 1}
    assert (summary.session_s, summary.session_submitted, summary.rate_per_s) == (4, 2, 0.5)
    assert summary.writer is WriterState.NONE


def test_the_json_form_holds_the_same(ledger: Path) -> None:
    document = read_summary(ledger).json()
    assert document["outcomes"] == {
        "pending": 2,
        "submitted": 2,
        "rejected": 3,
        "failed": 1,
        "unknown": 2,
        "dropped": 0,
    }
    assert document["last_session"]["reason"] == "done"
    assert document["writing"] == "nobody"


def test_a_torn_tail_and_read_only_media_do_not_matter(ledger: Path) -> None:
    with ledger.open("ab") as file:
        file.write(b'{"event":"att')
    ledger.chmod(0o400)
    assert read_summary(ledger).planned == 10


def test_an_empty_ledger_is_no_batch(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(LedgerFormatError, match="empty"):
        read_summary(path)
