import os
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from batchrun.errors import LedgerDamagedError, LedgerError, LedgerFormatError, LedgerHeldError, LedgerWriteError
from batchrun.ledger import durable, writer
from batchrun.ledger.events import FORMAT, BatchEvent, RefusedEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state

KEY = "0123456789abcdef"


def batch(runs: int = 3) -> BatchEvent:
    return BatchEvent(
        at="2026-11-23T00:00:00.000Z",
        format=FORMAT,
        batch_id="b",
        name="sweep",
        runs=runs,
        plan_sha256="0" * 64,
        base_url="https://api.example.com",
        batchrun="0",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.ledger.jsonl"


async def write_three(path: Path) -> None:
    """One submitted, one refused, one whose answer was lost."""
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())
        at = ledger.clock.stamp()
        for key in ("a", "b", "c"):
            await ledger.attempted(key, 1)
        ledger.record(SubmittedEvent(at=at, key="a", n=1, run_id="gt1", name="one", status="PENDING"))
        ledger.record(RefusedEvent(at=at, key="b", n=1, status=429))
        ledger.record(UnknownEvent(at=at, key="c", n=1, reason="ReadTimeout"))
        await ledger.flush()


async def test_what_was_written_is_read_back(path: Path) -> None:
    await write_three(path)
    state = read_state(path)
    assert {key: run.outcome for key, run in state.runs.items()} == {
        "a": Outcome.SUBMITTED,
        "b": Outcome.PENDING,
        "c": Outcome.UNKNOWN,
    }
    assert [state.count(outcome) for outcome in Outcome] == [1, 1, 0, 0, 1, 0]
    assert state.runs["c"].since_s is not None
    assert state.open_attempts == 0


async def test_an_attempt_is_in_the_file_before_attempted_returns(path: Path) -> None:
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())
        await ledger.attempted(KEY, 1)
        assert KEY in path.read_text()
        assert read_state(path).outcome(KEY) is Outcome.UNKNOWN


async def test_only_the_owner_may_read_it(path: Path) -> None:
    await write_three(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_torn_tail_is_cut_off_kept_and_told_wherever_it_is_torn(path: Path) -> None:
    await write_three(path)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        keep = path.with_name(path.name + ".torn")
        keep.unlink(missing_ok=True)
        with FileLedger.open(path) as ledger:
            assert ledger.torn == whole[start:end]
            assert ledger.state.runs["c"].outcome is Outcome.UNKNOWN
            assert ledger.state.runs["c"].open
        assert path.read_bytes() == whole[:start]
        assert keep.exists() == (end > start)


@pytest.mark.parametrize("torn", [b'{"event":"ba', b'{"event":"batch","at":"2026'])
async def test_a_torn_first_line_is_no_batch_yet(path: Path, torn: bytes) -> None:
    path.write_bytes(torn)
    with FileLedger.open(path) as ledger:
        assert ledger.is_new
        await ledger.begin(batch())
    assert read_state(path).batch == batch()


async def test_a_line_in_the_middle_that_cannot_be_read_is_an_error_with_its_number(path: Path) -> None:
    await write_three(path)
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = lines[0] + lines[1] + b'{"event":"attempt","at"\n' + b"".join(lines[3:])
    path.write_bytes(damaged)
    with pytest.raises(LedgerDamagedError, match=":3: the line cannot be read"):
        FileLedger.open(path)
    with pytest.raises(LedgerDamagedError, match=":3:"):
        read_state(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("first", "fact"),
    [
        (b"hello\n", "not the beginning of a ledger"),
        (b"\xff\xfe\x00\n", "not the beginning of a ledger"),
        (b'{"event":"attempt","at":"x","key":"a","n":1}\n', "not a batch event"),
        (b'{"a":1}\n', "not the beginning of a ledger"),
    ],
)
def test_another_kind_of_file_is_refused_and_left_alone(path: Path, first: bytes, fact: str) -> None:
    path.write_bytes(first)
    with pytest.raises(LedgerFormatError, match=fact):
        FileLedger.open(path)
    assert path.read_bytes() == first


async def test_another_format_version_is_refused(path: Path) -> None:
    await write_three(path)
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2', 1))
    with pytest.raises(LedgerFormatError, match="format 2, but this version of batchrun reads format 1"):
        FileLedger.open(path)


def test_an_empty_file_is_a_new_ledger_to_write_and_no_ledger_to_read(path: Path) -> None:
    path.touch()
    with pytest.raises(LedgerFormatError, match="empty"):
        read_state(path)
    with FileLedger.open(path) as ledger:
        assert ledger.is_new
    assert path.read_bytes() == b""  # it was there before, so it is not removed


def test_a_missing_ledger_is_not_made_by_resume(path: Path) -> None:
    with pytest.raises(LedgerError, match="No such file"):
        FileLedger.open(path)
    assert not path.exists()


async def test_a_second_writer_is_told_who_holds_it(path: Path) -> None:
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())
        with pytest.raises(LedgerHeldError, match=r"process \d+ is writing it"):
            FileLedger.open(path)
    FileLedger.open(path).close()


def test_a_lock_goes_with_the_process_that_held_it(path: Path) -> None:
    code = "import sys, os, pathlib; from batchrun.ledger.file import FileLedger; l = FileLedger.open(pathlib.Path(sys.argv[1]), create=True); os.write(1, b'x'); os.read(0, 1)"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdout, process.stdin:
        assert process.stdout.read(1) == b"x"
        with pytest.raises(LedgerHeldError):
            FileLedger.open(path)
        process.kill()
        process.wait()
    FileLedger.open(path).close()


async def test_after_a_failed_write_nothing_is_ever_written_again(path: Path) -> None:
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())
        held = os.dup(ledger._fd)
        readonly = os.open(path, os.O_RDONLY)
        os.dup2(readonly, ledger._fd)
        with pytest.raises(LedgerWriteError, match="cannot be written"):
            await ledger.attempted(KEY, 1)
        os.dup2(held, ledger._fd)
        with pytest.raises(LedgerWriteError):
            await ledger.attempted(KEY, 2)
        with pytest.raises(LedgerWriteError):
            await ledger.flush()
        os.close(held)
        os.close(readonly)
    assert KEY not in path.read_text()


async def test_many_events_share_one_sync(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = []
    real = durable.sync_file

    def counted(fd: int) -> None:
        syncs.append(fd)
        real(fd)

    monkeypatch.setattr(writer, "sync_file", counted)
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch())
        async with anyio.create_task_group() as group:
            for n in range(200):
                group.start_soon(ledger.attempted, f"{n:016x}", 1)
    assert len(syncs) <= 4
    assert read_state(path).attempts == 200
