"""The lines of a batch's status."""

from dataclasses import replace

import pytest

from batchrun.cli.output import Output
from batchrun.cli.views.status import show_status, status_lines
from batchrun.errors import Trouble
from batchrun.ledger.events import SessionEvent
from batchrun.ledger.fold import Outcome
from batchrun.report.reasons import FailedRun
from batchrun.report.summary import Summary
from batchrun.report.writer_state import WriterState

AT = "2026-11-23T10:00:00.000Z"
SESSION = SessionEvent(at=AT, action="start", pid=42, host="laptop")
NEW = Summary(
    name="sweep", batch_id="id", base_url="https://api.example.com", planned=10,
    outcomes=dict.fromkeys(Outcome, 0) | {Outcome.PENDING: 10}, under_way=0, reasons=(), failed_runs=(), attempts=0,
    refused={}, settled=0, duplicates={}, run_status={}, gone={}, sessions=0, session=None, writer=WriterState.NONE,
    began_at=AT, last_at=AT, session_s=0.0, session_submitted=0, rate_per_s=0.0,
)  # fmt: skip


def lines(summary: Summary) -> dict[str, str]:
    return dict(status_lines(summary))


def test_a_batch_that_has_not_started_shows_nothing_that_never_happened() -> None:
    assert lines(NEW) == {
        "service": "https://api.example.com",
        "writer": "none; no session yet",
        "attempts": "0",
        "sessions": "0",
    }


def test_everything_that_happened_has_a_line() -> None:
    busy = replace(
        NEW, under_way=3, attempts=1200, refused={"RATE_LIMIT_ERROR": 4, "409": 1}, settled=1, duplicates={"k": ["r"]},
        run_status={"PENDING": 5, "COMPLETED": 2}, gone={Outcome.SUBMITTED: 6, Outcome.UNKNOWN: 1}, sessions=2, session=SESSION, writer=WriterState.RUNNING,
        session_s=75.0, session_submitted=1100, rate_per_s=14.66,
    )  # fmt: skip
    assert lines(busy) == {
        "in flight": "3 attempts, counted as unknown until the response is recorded",
        "service": "https://api.example.com",
        "writer": f"process 42 on laptop, since {AT}",
        "attempts": "1,200 (temporarily refused: 4 RATE_LIMIT_ERROR, 1 409)",
        "settled": "1 run found by listing after a lost response",
        "duplicates": "1 run created more than once at the service; batchrun verify names them",
        "left plan": "6 submitted and 1 unknown, which the sweep no longer contains; status --gone lists them",
        "run status": "5 PENDING, 2 COMPLETED",
        "sessions": "2; latest: 1,100 submitted in 1 min 15 s (14.7/s)",
    }


@pytest.mark.parametrize(
    ("state", "session", "text"),
    [
        (
            WriterState.NONE,
            SessionEvent(at=AT, action="stop", pid=42, host="laptop", reason="all_rejected"),
            "none; last session ended: all rejected",
        ),
        (
            WriterState.NONE,
            SessionEvent(at=AT, action="stop", pid=42, host="laptop"),
            "none; last session ended: no reason recorded",
        ),
        (
            WriterState.CRASHED,
            SESSION,
            "none; process 42 on laptop died without ending its session; resume to check its last attempts",
        ),
        (
            WriterState.REMOTE,
            SESSION,
            f"possibly process 42 on laptop, since {AT}; cannot be verified from this machine",
        ),
    ],
)
def test_the_writer_line_says_what_became_of_the_process(state: WriterState, session: SessionEvent, text: str) -> None:
    assert lines(replace(NEW, writer=state, session=session))["writer"] == text


def test_unknown_runs_come_with_the_ways_out() -> None:
    told = "2 runs may exist; batchrun resume settles them, batchrun resolve handles the rest"
    outcomes = {**NEW.outcomes, Outcome.UNKNOWN: 3}
    assert lines(replace(NEW, outcomes=outcomes, under_way=1))["unknown"] == told
    assert "unknown" not in lines(replace(NEW, outcomes=outcomes, under_way=3))


def test_a_ledger_without_a_session_says_nothing_of_a_latest_one() -> None:
    assert lines(replace(NEW, sessions=0))["sessions"] == "0"
    assert lines(replace(NEW, sessions=1, session_submitted=0, session_s=0.0))["sessions"] == "1"


def test_failed_runs_are_listed_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    failed = FailedRun(
        key="k", name="job-1", outcome=Outcome.FAILED, attempts=8,
        trouble=Trouble(status=409, message="busy"),
    )  # fmt: skip
    summary = replace(NEW, failed_runs=(failed,))
    show_status(NEW, Output(), failed=True)
    assert capsys.readouterr().out.endswith("no runs are rejected or failed\n")
    show_status(summary, Output(), failed=False)
    assert "job-1" not in capsys.readouterr().out
    show_status(summary, Output(), failed=True)
    printed = capsys.readouterr().out.splitlines()
    assert "service:    https://api.example.com" in printed
    assert printed[-1].split() == ["job-1", "failed", "8", "409", "busy"]
