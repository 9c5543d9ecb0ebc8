"""Making a ledger shorter without changing what it says."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anyio import to_thread
from hypothesis import given

from batchrun.errors import LedgerError, LedgerHeldError, LedgerWriteError
from batchrun.ledger.check import check
from batchrun.ledger.compact import compact
from batchrun.ledger.events import (
    Event,
    RefusedEvent,
    RejectedEvent,
    RerunEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
)
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.ledger.reader import read_events, read_state
from tests.ledger.test_check import attempt, session, submitted, write
from tests.ledger.test_fold import AT, histories
from tests.ledger.test_ledger import batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.ledger.jsonl"


def said(state: BatchState) -> dict[str, Any]:
    """All that a state tells anyone."""
    slots = ("outcome", "n", "since_s", "open", "run_id", "status", "trouble")
    told = {
        name: getattr(state, name)
        for name in BatchState.__dataclass_fields__
        if name not in {"runs", "first_at", "batch"}
    }
    return told | {"runs": {key: {name: getattr(run, name) for name in slots} for key, run in state.runs.items()}}


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


def test_a_rerun_that_was_rejected_leaves_the_run_before_it_in_the_ledger(path: Path) -> None:
    rejected = RejectedEvent(at=AT, key="a", n=2, name="name-a-r2", status=422)
    write(path, [session(), attempt(), submitted(), RerunEvent(at=AT, keys=["a"], generation=2), attempt(2), rejected])
    compact(path)
    run = read_state(path).runs["a"]
    assert (run.outcome, run.generation, [earlier.run_id for earlier in run.earlier]) == (Outcome.REJECTED, 2, ["r1"])
    assert check(path).findings == []


def test_of_a_run_that_was_rejected_twice_the_last_time_is_kept(path: Path) -> None:
    rejected = [RejectedEvent(at=AT, key="a", n=n, name="name-a", status=422) for n in (1, 2)]
    write(path, [session(), attempt(), rejected[0], attempt(2), rejected[1]])
    compact(path)
    assert (read_state(path).runs["a"].n, check(path).findings) == (2, [])


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


def test_runs_that_are_not_over_keep_every_line(path: Path) -> None:
    waiting: list[Event] = [attempt(key="b"), RefusedEvent(at=AT, key="b", n=1, status=429)]
    lost: list[Event] = [attempt(key="c"), UnknownEvent(at=AT, key="c", n=1, reason="ReadTimeout")]
    write(path, [session(), attempt(), submitted(), *waiting, *lost])
    compact(path)
    kept = [event for event in read_events(path) if getattr(event, "key", "a") != "a"]
    assert kept == [*waiting, *lost]
    assert read_state(path).runs["c"].since_s is not None


def test_a_run_that_left_the_plan_before_it_was_found_stays_outside_of_it(path: Path) -> None:
    without = msgspec.structs.replace(batch(), gone=["a"])
    write(path, [session(), attempt(), UnknownEvent(at=AT, key="a", n=1, reason="reset"), without, submitted()])
    compact(path)
    state = read_state(path)
    assert (state.gone[Outcome.SUBMITTED], state.counts[Outcome.SUBMITTED]) == (1, 0)


def test_runs_that_left_the_plan_keep_their_lines_and_come_back_with_it(path: Path) -> None:
    without = msgspec.structs.replace(batch(), gone=["a"])
    write(path, [session(), attempt(), submitted(), without])
    compact(path)
    state = read_state(path)
    assert (state.gone[Outcome.SUBMITTED], state.counts[Outcome.SUBMITTED]) == (1, 0)
    assert state.runs["a"].run_id == "r1"
    fold(state, batch())
    assert (state.gone[Outcome.SUBMITTED], state.counts[Outcome.SUBMITTED]) == (0, 1)


def test_an_empty_ledger_is_not_compacted(path: Path) -> None:
    path.touch()
    with pytest.raises(LedgerError, match="empty"):
        compact(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_leaves_the_ledger_as_it_was(path: Path) -> None:
    before = write(path, [session(), attempt(), submitted()]).read_bytes()
    path.parent.chmod(0o500)
    try:
        with pytest.raises(LedgerWriteError, match="the ledger is as it was"):
            compact(path)
    finally:
        path.parent.chmod(0o700)
    assert path.read_bytes() == before


def test_a_file_that_lies_there_under_another_name_is_left_alone(path: Path) -> None:
    write(path, [session(), attempt(), submitted()])
    other = path.parent / f"{path.name}.compacting"  # what version 0.1 used
    other.write_bytes(b"half a li")
    compact(path)
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, other.name]
    assert other.read_bytes() == b"half a li"
    assert check(path).findings == []
