"""Changes reach the ledger once, however many processes follow the same runs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread
import pytest

from batchrun.ledger.events import RerunEvent, StatusEvent, SubmittedEvent, event_line
from batchrun.ledger.fold import BatchState, fold_all
from batchrun.ledger.reader import read_events
from batchrun.ledger.shared import SharedLedger
from batchrun.tracking.changes import Change
from batchrun.tracking.recorder import Recorder, is_news
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

SUBMITTED = SubmittedEvent(at=AT, key="k", n=1, run_id="r1", name="tile", status="PENDING")


def change(status: str, *, run_id: str = "r1") -> Change:
    return Change(key="k", name="tile", run_id=run_id, status=status, before="PENDING")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.ledger.jsonl"
    path.write_bytes(event_line(batch()) + event_line(SUBMITTED))
    return path


async def recorder_of(path: Path) -> Recorder:
    return Recorder(await anyio.to_thread.run_sync(SharedLedger.open, path))


def recorded(path: Path) -> list[str]:
    return [event.status for event in read_events(path) if isinstance(event, StatusEvent)]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The lock, as another process would hold it: flock is per open file."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def test_only_the_latest_change_of_a_run_is_written(path: Path) -> None:
    recorder = await recorder_of(path)
    recorder.add(change("RUNNING"))
    recorder.add(change("COMPLETED"))
    await recorder.record()
    assert recorded(path) == ["COMPLETED"]
    assert len(recorder) == 0


async def test_while_another_process_holds_the_ledger_changes_are_kept(path: Path) -> None:
    recorder = await recorder_of(path)
    recorder.add(change("RUNNING"))
    with held(path):
        await recorder.record()
        assert (recorder.is_ledger_held, len(recorder), recorded(path)) == (True, 1, [])
    await recorder.record()
    assert (recorder.is_ledger_held, len(recorder), recorded(path)) == (False, 0, ["RUNNING"])


async def test_without_changes_it_finds_out_whether_somebody_writes(path: Path) -> None:
    recorder = await recorder_of(path)
    before = path.read_bytes()
    with held(path):
        await recorder.record()
        assert recorder.is_ledger_held
    await recorder.record()
    assert not recorder.is_ledger_held
    assert path.read_bytes() == before


async def test_two_followers_of_one_run_write_its_end_once(path: Path) -> None:
    first, second = await recorder_of(path), await recorder_of(path)
    for recorder in (first, second):
        recorder.add(change("COMPLETED"))
        await recorder.record()
    assert recorded(path) == ["COMPLETED"]
    assert len(second) == 0


async def test_what_somebody_else_recorded_is_not_tried_again(path: Path) -> None:
    recorder = await recorder_of(path)
    recorder.add(change("COMPLETED"))
    recorder.forget("r1")
    recorder.forget("unknown")
    assert len(recorder) == 0


@pytest.mark.parametrize(
    ("known", "news", "is_worth_it"),
    [
        ([], change("RUNNING"), True),
        ([StatusEvent(at=AT, key="k", run_id="r1", status="RUNNING")], change("RUNNING"), False),
        ([StatusEvent(at=AT, key="k", run_id="r1", status="RUNNING")], change("PENDING"), True),  # it may relapse
        ([StatusEvent(at=AT, key="k", run_id="r1", status="FAILED")], change("RUNNING"), False),  # an end stays
        ([StatusEvent(at=AT, key="k", run_id="r1", status="gone")], change("COMPLETED"), False),
        ([], change("RUNNING", run_id="r0"), False),
        ([RerunEvent(at=AT, keys=["k"], generation=2)], change("FAILED"), False),  # of a run that was rerun since
    ],
)
def test_what_is_worth_a_line(known: list[StatusEvent], news: Change, is_worth_it: bool) -> None:
    state = fold_all(BatchState(), [batch(), SUBMITTED, *known])
    assert is_news(state, news) is is_worth_it
    assert not is_news(BatchState(), news)
