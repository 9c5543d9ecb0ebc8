"""Disks that fill up, folders that cannot be written, media that are read-only, clocks that jump: told, and nothing lost."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from batchrun.errors import LedgerError, LedgerWriteError
from batchrun.ledger import durable, writer
from batchrun.ledger.clock import LedgerClock
from batchrun.ledger.events import AttemptEvent, Event, SessionEvent, SubmittedEvent, event_line
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.ledger.reader import read_state
from tests.ledger.test_ledger import KEY, batch, write_three


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.ledger.jsonl"


async def test_after_a_failed_sync_nothing_is_ever_sent_on_the_strength_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())
        real = durable.sync_file

        def failing(_: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(writer, "sync_file", failing)
        with pytest.raises(LedgerWriteError, match="Input/output error; check the disk and resume"):
            await ledger.attempted(KEY, 1)
        monkeypatch.setattr(writer, "sync_file", real)  # a second sync would claim success
        with pytest.raises(LedgerWriteError):
            await ledger.attempted("f" * 16, 1)
    assert read_state(path).outcome(KEY) is Outcome.UNKNOWN


async def test_what_is_lost_for_want_of_a_thread_is_never_called_durable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())

        async def failing(*_: object) -> None:
            await anyio.lowlevel.checkpoint()
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(anyio.to_thread, "run_sync", failing)
            with pytest.raises(LedgerWriteError, match="can't start new thread; check the disk and resume"):
                await ledger.attempted(KEY, 1)
        with pytest.raises(LedgerWriteError):
            await ledger.attempted("f" * 16, 1)
    assert read_state(path).outcome(KEY) is Outcome.PENDING


FULL = """
import anyio, pathlib, resource, signal, sys
from batchrun.ledger.file import FileLedger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = pathlib.Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, resource.RLIM_INFINITY))
async def main():
    with FileLedger.open(path) as ledger:
        for n in range(1, 50):
            await ledger.attempted("e" * 16, n)
            print(n, flush=True)
try:
    anyio.run(main)
except Exception as error:
    print(error)
"""


def test_a_full_disk_stops_the_writer_and_loses_nothing_that_was_promised(path: Path) -> None:
    anyio.run(write_three, path)
    ended = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    *promised, said = ended.stdout.splitlines()
    assert "File too large; free disk space and resume" in said
    assert promised == ["1"]
    with FileLedger.open(path) as ledger:
        assert ledger.torn
        assert ledger.state.runs["e" * 16].n == 1
        assert ledger.state.outcome("a") is Outcome.SUBMITTED


def test_a_folder_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, fact in [(tmp_path / "file" / "x", "Not a directory"), (tmp_path / "none" / "x", "No such file")]:
        with pytest.raises(LedgerError, match=f"cannot be opened for writing: {fact}"):
            FileLedger.open(path, create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_ledger_that_may_only_be_read_is_read_and_not_written(path: Path) -> None:
    await write_three(path)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert read_state(path).count(Outcome.SUBMITTED) == 1
        with pytest.raises(LedgerError, match="Permission denied"):
            FileLedger.open(path)
    finally:
        path.parent.chmod(0o700)


async def test_a_ledger_can_be_moved(path: Path, tmp_path: Path) -> None:
    await write_three(path)
    moved = tmp_path / "elsewhere" / "other.jsonl"
    moved.parent.mkdir()
    path.rename(moved)
    with FileLedger.open(moved) as ledger:
        await ledger.attempted(KEY, 1)
    assert read_state(moved).outcome(KEY) is Outcome.UNKNOWN
    assert not path.exists()


def test_a_clock_that_jumps_back_changes_no_outcome_and_not_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    state = BatchState()
    late, early = "2026-11-23T10:00:00.000Z", "2026-11-22T10:00:00.000Z"
    events: list[Event] = [
        batch(),
        SessionEvent(at=late, action="start", pid=1, host="h", server_offset_s=0.0),
        AttemptEvent(at=late, key="a", n=1),
        SessionEvent(at=early, action="start", pid=2, host="h", server_offset_s=86400.0),
        AttemptEvent(at=early, key="b", n=1),
        SubmittedEvent(at=early, key="b", n=1, run_id="r", name="b"),
    ]
    for event in events:
        fold(state, event)
    assert state.outcome("b") is Outcome.SUBMITTED
    assert state.runs["a"].since_s == 1795428000.0
    clock = LedgerClock()
    before = clock.stamp()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86400)
    assert clock.stamp() >= before


async def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_line(path: Path) -> None:
    await write_three(path)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole) + 1):
        path.write_bytes(whole[:end])
        lines = whole[:end].count(b"\n")
        assert read_state(path).attempts == sum(b'"attempt"' in line for line in whole.splitlines()[:lines])


def test_an_event_never_spans_lines() -> None:
    line = event_line(SubmittedEvent(at="x", key="a", n=1, run_id="r\n\u2028", name="one\r\ntwo"))
    assert line.count(b"\n") == 1
