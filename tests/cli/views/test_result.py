"""The result of a session: its exit status and what is printed of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from batchrun.cli.output import Output
from batchrun.cli.views.result import Result, exit_status, show_result
from batchrun.engine.progress import Progress
from batchrun.engine.stopping import Stop, StopReason
from batchrun.engine.submit import Submission
from batchrun.errors import Problem


def submission(reason: StopReason | None = None, **counts: Any) -> Submission:
    stop = None if reason is None else Stop(reason, Problem("place", "fact", "fix"))
    planned = sum(counts.get(name, 0) for name in ("submitted", "rejected", "failed", "unknown", "pending"))
    return Submission(progress=Progress(**({"planned": planned} | counts)), stop=stop, notes=())


def result(of: Submission) -> Result:
    resume = ("batchrun", "resume", "a b.ledger.jsonl")
    return Result(name="sweep", ledger="a b.ledger.jsonl", submission=of, reasons=(), resume=resume)


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (submission(submitted=5), 0),
        (submission(submitted=4, dropped=1, planned=5), 0),
        (submission(submitted=4, rejected=1), 1),
        (submission(submitted=4, unknown=1), 1),
        (submission(StopReason.UNAUTHORIZED, pending=5), 3),
        (submission(StopReason.FAILURES, submitted=3, failed=2), 3),
        (submission(StopReason.INTERRUPTED, submitted=4, pending=1), 130),
        (submission(StopReason.INTERRUPTED, submitted=4, unknown=1), 130),
        (submission(StopReason.TERMINATED, submitted=4, pending=1), 143),
    ],
)
def test_the_exit_status_says_how_the_session_ended(ended: Submission, status: int) -> None:
    assert exit_status(ended) == status


def test_an_interrupt_with_nothing_left_to_do_does_not_count() -> None:
    assert exit_status(submission(StopReason.INTERRUPTED, submitted=5)) == 0
    assert exit_status(submission(StopReason.TERMINATED, submitted=4, failed=1)) == 1


def test_unknown_runs_come_with_the_command_that_decides_about_them(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(result(submission(submitted=4, unknown=1)), Output())
    assert "if runs stay unknown: batchrun resolve 'a b.ledger.jsonl' shows what" in capsys.readouterr().out
    show_result(result(submission(submitted=5)), Output())
    assert "resolve" not in capsys.readouterr().out


def test_what_is_left_comes_with_the_command_that_resumes_it(capsys: pytest.CaptureFixture[str]) -> None:
    ended = submission(submitted=4, pending=1, attempts=6, retries=1, settled=1, elapsed_s=2.0)
    assert show_result(result(ended), Output()) == 1
    printed = capsys.readouterr().out.splitlines()
    assert "this session: 6 attempts in 2.0 s (3.0/s), 1 retry, 1 found by listing after a lost response" in printed
    assert printed[-2:] == ["ledger: a b.ledger.jsonl", "to resume: batchrun resume 'a b.ledger.jsonl'"]


def test_a_ledger_that_is_gone_is_not_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(result(submission(StopReason.LEDGER_CHANGED, submitted=4, pending=1)), Output())
    assert "to resume" not in capsys.readouterr().out


def test_a_complete_batch_needs_no_resume(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(result(submission(submitted=5, attempts=1)), Output())
    printed = capsys.readouterr()
    assert "to resume" not in printed.out
    assert "this session: 1 attempt in 0.0 s (0.0/s)" in printed.out
    assert printed.err == ""


def test_an_interrupt_is_a_note_and_any_other_stop_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(result(submission(StopReason.INTERRUPTED, pending=1)), Output())
    assert capsys.readouterr().err == "note: place: fact; fix\n"
    show_result(result(submission(StopReason.REDIRECTED, pending=1)), Output())
    assert capsys.readouterr().err == "error: place: fact; fix\n"


def test_outcomes_that_do_not_add_up_are_reported_as_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(result(submission(planned=6, submitted=5)), Output())
    assert "the outcomes do not add up to the plan; please report this bug" in capsys.readouterr().err


def test_the_document_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    ended = submission(StopReason.FAILURES, submitted=3, failed=1, pending=1, attempts=4, elapsed_s=1.2345)
    show_result(result(ended), Output(as_json=True))
    document = json.loads(capsys.readouterr().out)
    assert document["outcomes"] == {
        "submitted": 3,
        "rejected": 0,
        "failed": 1,
        "unknown": 0,
        "dropped": 0,
        "pending": 1,
    }
    assert document["session"] == {"attempts": 4, "retries": 0, "settled": 0, "seconds": 1.234}
    assert document["stop"] == {
        "reason": "failures", "problem": {"place": "place", "fact": "fact", "fix": "fix"},
    }  # fmt: skip
    assert document["resume"] == ["batchrun", "resume", "a b.ledger.jsonl"]
    assert document["exit_status"] == 3


def test_created_runs_come_with_the_command_that_follows_them(capsys: pytest.CaptureFixture[str]) -> None:
    follow = ("batchrun", "watch", "a b.ledger.jsonl")
    show_result(replace(result(submission(submitted=5)), follow=follow), Output())
    assert capsys.readouterr().out.splitlines()[-1] == "to follow the runs: batchrun watch 'a b.ledger.jsonl'"
    show_result(replace(result(submission(submitted=4, pending=1)), follow=follow), Output())
    assert "to follow" not in capsys.readouterr().out
    show_result(result(submission(submitted=5)), Output())
    assert "to follow" not in capsys.readouterr().out
