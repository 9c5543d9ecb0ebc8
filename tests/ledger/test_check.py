"""Verifying a ledger, line by line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batchrun.ledger.check import check
from batchrun.ledger.events import (
    AbsentEvent,
    AttemptEvent,
    CompactedEvent,
    Event,
    RefusedEvent,
    RerunEvent,
    SessionEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch


def attempt(n: int = 1, key: str = "a") -> AttemptEvent:
    return AttemptEvent(at=AT, key=key, n=n)


def submitted(n: int = 1, key: str = "a", run_id: str = "r1") -> SubmittedEvent:
    return SubmittedEvent(at=AT, key=key, n=n, run_id=run_id, name=f"name-{key}", status="PENDING")


def session(action: Any = "start", **totals: int) -> SessionEvent:
    return SessionEvent(at=AT, action=action, pid=1, host="h", totals=totals or None)


def write(path: Path, events: Iterable[Event]) -> Path:
    path.write_bytes(b"".join(map(event_line, [batch(), *events])))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.ledger.jsonl"


def test_a_sound_ledger_has_no_findings(path: Path) -> None:
    lost = UnknownEvent(at=AT, key="b", n=1, reason="ReadTimeout")
    refused = RefusedEvent(at=AT, key="a", n=1, status=429)
    events: list[Event] = [session(), attempt(), refused, attempt(2), submitted(2), attempt(key="b"), lost]
    events += [
        submitted(key="b", run_id="r2"),
        attempt(key="c"),
        session(),
        attempt(2, "c"),
        session("stop", submitted=2),
    ]
    assert check(write(path, events)).findings == []


def test_runs_and_reruns_that_were_taken_over_are_sound(path: Path) -> None:
    recovered = [
        SubmittedEvent(at=AT, key="a", n=0, run_id=run_id, name="a", via="recovered", generation=generation)
        for generation, run_id in enumerate(("r1", "r2"), 1)
    ]
    rerun = RerunEvent(at=AT, keys=["a"], generation=2)
    assert check(write(path, [session(), recovered[0], rerun, recovered[1]])).findings == []
    once = check(write(path, [session(), *recovered])).findings
    assert "ends twice" in once[0].fact


@pytest.mark.parametrize(
    ("events", "line", "fact"),
    [
        ([attempt(), submitted(), attempt(2)], 4, "submitted already"),
        ([attempt(), RefusedEvent(at=AT, key="a", n=1, status=429), attempt(3)], 4, "attempt 3 of a follows attempt 1"),
        ([attempt(), attempt(2)], 3, "begins before attempt 1 has ended"),
        ([attempt(), submitted(), submitted()], 4, "ends twice"),
        ([attempt(), submitted(2)], 3, "the latest is attempt 1"),
        ([submitted()], 2, "never began"),
        ([attempt(), submitted(), attempt(key="b"), submitted(key="b")], 5, "belongs to both a and b"),
        ([session(), session("stop", submitted=1)], 3, "counted 1 submitted"),
        ([attempt(key=key) for key in "abcd"], 0, "4 planned runs, but 3 are planned"),
    ],
)
def test_each_broken_rule_is_found_with_its_line(path: Path, events: list[Event], line: int, fact: str) -> None:
    found = check(write(path, events)).findings
    assert any(one.line == line and fact in one.fact for one in found), found


@pytest.mark.parametrize("lost", [[UnknownEvent(at=AT, key="a", n=1, reason="reset")], []], ids=["unknown", "killed"])
def test_an_attempt_after_one_that_was_never_settled_is_found(path: Path, lost: list[Event]) -> None:
    """Version 0.1 did not record that settling found no run, so its ledgers are not held to it."""
    for version, absent, facts in (
        ("0.2.0", [], ["attempt 2 of a begins before it is known whether attempt 1 created a run"]),
        ("0.2.0", [AbsentEvent(at=AT, key="a", n=1)], []),
        ("0.1.0", [], []),
    ):
        start = SessionEvent(at=AT, action="start", pid=1, host="h", batchrun=version)
        events = [start, attempt(), *lost, start, *absent, attempt(2), submitted(2)]
        assert [one.fact for one in check(write(path, events)).findings] == facts


def test_another_batch_in_the_same_file_is_found(path: Path) -> None:
    other = msgspec.structs.replace(batch(), batch_id="other")
    (found,) = check(write(path, [session(), other])).findings
    assert (found.line, found.fact) == (3, "line 3 starts another batch, other")


def test_a_run_that_left_the_plan_and_came_back_is_still_the_one_that_was_created(path: Path) -> None:
    without = msgspec.structs.replace(batch(), gone=["a"])
    left_and_back: list[Event] = [attempt(), submitted(), without, batch()]
    assert check(write(path, left_and_back)).findings == []
    facts = [found.fact for found in check(write(path, [*left_and_back, attempt(), submitted(run_id="r2")])).findings]
    assert "attempt 1 of a, which is submitted already" in facts


def test_what_a_session_counted_is_compared_unless_the_ledger_was_compacted_afterwards(path: Path) -> None:
    stop = session("stop", unknown=1, submitted=0)
    compacted = CompactedEvent(at=AT, attempts=2, settled=0, sessions=1)
    assert "counted 1 unknown" in check(write(path, [session(), stop])).findings[0].fact
    assert check(write(path, [session(), stop, submitted(), compacted])).findings == []


def test_endings_without_attempts_are_right_before_a_compaction_and_wrong_after_it(path: Path) -> None:
    compacted = CompactedEvent(at=AT, attempts=2, settled=0, sessions=1)
    assert check(write(path, [submitted(), compacted])).findings == []
    (found,) = check(write(path, [submitted(), compacted, submitted(key="b", run_id="r2")])).findings
    assert (found.line, "never began" in found.fact) == (4, True)


def test_findings_are_in_the_order_of_lines(path: Path) -> None:
    events: list[Event] = [submitted(key="c", run_id="r3"), attempt(), attempt(2), attempt(4)]
    lines = [found.line for found in check(write(path, events)).findings]
    assert lines == sorted(lines)
    assert len(set(lines)) == 3


def test_runs_that_were_taken_over_need_no_attempt(path: Path) -> None:
    taken = SubmittedEvent(at=AT, key="a", n=0, run_id="r1", name="name-a", via="recovered")
    doubtful = UnknownEvent(at=AT, key="b", n=0, reason="the payload differs: r2")
    assert check(write(path, [session(), taken, doubtful])).findings == []
