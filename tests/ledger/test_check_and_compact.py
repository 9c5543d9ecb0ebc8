"""Verifying a ledger, and making it shorter without changing what it says."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from hypothesis import given

from batchrun.errors import LedgerHeldError
from batchrun.ledger.check import check
from batchrun.ledger.compact import compact
from batchrun.ledger.events import (
    AttemptEvent,
    Event,
    RefusedEvent,
    SessionEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState
from batchrun.ledger.reader import read_state
from tests.ledger.test_fold import AT, histories
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


def said(state: BatchState) -> dict[str, Any]:
    """All that a state tells anyone."""
    slots = ("outcome", "n", "since_s", "open", "run_id", "status", "trouble")
    told = {
        name: getattr(state, name)
        for name in BatchState.__dataclass_fields__
        if name not in {"runs", "first_at", "batch"}
    }
    return told | {"runs": {key: {name: getattr(run, name) for name in slots} for key, run in state.runs.items()}}


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


@pytest.mark.parametrize(
    ("events", "line", "fact"),
    [
        ([attempt(), submitted(), attempt(2)], 4, "submitted already"),
        ([attempt(), RefusedEvent(at=AT, key="a", n=1, status=429), attempt(3)], 4, "attempt 3 of a follows attempt 1"),
        ([attempt(), attempt(2)], 3, "begins before attempt 1 has ended"),
        ([attempt(), submitted(), submitted()], 4, "ends twice"),
        ([attempt(), submitted(2)], 3, "the latest is attempt 1"),
        ([submitted()], 2, "never began"),
        ([attempt(), submitted(), attempt(key="b"), submitted(key="b")], 5, "is the run of a and of b"),
        ([session(), session("stop", submitted=1)], 3, "counted 1 submitted"),
        ([attempt(key=key) for key in "abcd"], 0, "4 runs, and 3 are planned"),
    ],
)
def test_each_broken_rule_is_found_with_its_line(path: Path, events: list[Event], line: int, fact: str) -> None:
    found = check(write(path, events)).findings
    assert any(one.line == line and fact in one.fact for one in found), found


def until_submitted(events: list[Event]) -> Iterator[Event]:
    """Without what no writer does: going on with a run that is submitted."""
    done: set[str] = set()
    for event in events:
        key = getattr(event, "key", "")
        if key not in done:
            yield event
        if isinstance(event, SubmittedEvent):
            done.add(key)


@given(events=histories())
def test_a_compacted_ledger_says_the_same_and_again(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event]
) -> None:
    path = write(tmp_path_factory.mktemp("c") / "x.jsonl", [session(), *until_submitted(events)])
    before = said(read_state(path))
    for _ in range(2):
        compact(path)
        assert said(read_state(path)) == before


def test_a_submitted_run_needs_one_line_and_its_latest_status(path: Path) -> None:
    refused = RefusedEvent(at=AT, key="a", n=1, status=429)
    told: list[Event] = [StatusEvent(at=AT, key="a", run_id="r1", status=status) for status in ("RUNNING", "COMPLETED")]
    write(path, [attempt(), refused, attempt(2), submitted(2), *told])
    done = compact(path)
    assert (done.lines_before, done.lines_after) == (7, 4)
    assert done.bytes_after < done.bytes_before
    assert read_state(path).runs["a"].status == "COMPLETED"
    assert check(path).findings == []
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_ledger_that_is_being_written_is_not_compacted(path: Path) -> None:
    held = write(path, [attempt(), submitted()]).read_bytes()
    with FileLedger.open(path), pytest.raises(LedgerHeldError):
        compact(path)
    assert path.read_bytes() == held


async def test_a_compacted_ledger_goes_on(path: Path) -> None:
    write(path, [session(), attempt(), submitted(), session("stop", submitted=1)])
    await to_thread.run_sync(compact, path)
    with FileLedger.open(path) as ledger:
        await ledger.attempted("b", 1)
        ledger.record(submitted(key="b", run_id="r2"))
        await ledger.flush()
    assert read_state(path).attempts == 2
    assert check(path).findings == []
