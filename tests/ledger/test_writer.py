"""Group commit on a file descriptor: what is durable when, and what a failure means for those who wait."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from batchrun.errors import LedgerWriteError
from batchrun.ledger.writer import FLUSH_EVERY_S, LedgerWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.ledger.jsonl"


@contextmanager
def writing(path: Path, flags: int = os.O_WRONLY | os.O_APPEND | os.O_CREAT) -> Iterator[LedgerWriter]:
    fd = os.open(path, flags, 0o600)
    try:
        yield LedgerWriter(fd, path)
    finally:
        os.close(fd)


async def test_a_line_is_written_by_the_next_sync_and_not_before(path: Path) -> None:
    with writing(path) as writer:
        writer.append(b"one\n")
        assert path.read_bytes() == b""
        await writer.sync()
        assert path.read_bytes() == b"one\n"


async def test_a_sync_with_nothing_to_write_returns_at_once(path: Path) -> None:
    with writing(path) as writer:
        await writer.sync()
        assert path.read_bytes() == b""


async def test_everyone_finds_their_line_in_the_file_when_their_sync_returns(path: Path) -> None:
    with writing(path) as writer:

        async def write(n: int) -> None:
            for part in range(5):
                line = f"{n}.{part}\n".encode()
                writer.append(line)
                await writer.sync()
                assert line in path.read_bytes()

        async with anyio.create_task_group() as tasks:
            for n in range(20):
                tasks.start_soon(write, n)
    lines = path.read_text().split()
    assert len(lines) == len(set(lines)) == 100


async def test_lines_are_written_in_the_order_in_which_they_came(path: Path) -> None:
    with writing(path) as writer:
        async with anyio.create_task_group() as tasks:
            for n in range(50):
                writer.append(f"{n}\n".encode())
                if n % 7 == 0:
                    tasks.start_soon(writer.sync)
                    await anyio.lowlevel.checkpoint()
        await writer.sync()
    assert path.read_text().split() == [str(n) for n in range(50)]


async def test_a_line_that_nobody_waits_for_is_written_soon(path: Path) -> None:
    with writing(path) as writer:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.keep_flushing)
            writer.append(b"one\n")
            with anyio.fail_after(100 * FLUSH_EVERY_S):
                while path.read_bytes() != b"one\n":  # noqa: ASYNC110 - a file announces nothing
                    await anyio.sleep(FLUSH_EVERY_S / 10)
            tasks.cancel_scope.cancel()


async def test_whoever_is_cancelled_while_writing_leaves_whole_lines(path: Path) -> None:
    with writing(path) as writer:
        async with anyio.create_task_group() as tasks:
            writer.append(b"one\n")
            tasks.start_soon(writer.sync)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert writer.failure is None
        writer.append(b"two\n")
        await writer.sync()
        assert path.read_bytes() == b"one\ntwo\n"


async def test_a_full_disk_fails_everyone_who_waits_and_all_who_come_later() -> None:
    failures: list[LedgerWriteError] = []
    with writing(Path("/dev/full"), os.O_WRONLY) as writer:

        async def write(n: int) -> None:
            writer.append(f"{n}\n".encode())
            try:
                await writer.sync()
            except LedgerWriteError as error:
                failures.append(error)

        async with anyio.create_task_group() as tasks:
            for n in range(5):
                tasks.start_soon(write, n)
        await write(5)
        assert writer.failure is not None
    assert len(failures) == 6
    assert {str(error) for error in failures} == {
        "/dev/full: the ledger cannot be written: No space left on device; free disk space and resume"
    }


async def test_a_sync_that_fails_is_as_bad_as_a_write_that_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), fd)

    monkeypatch.setattr("batchrun.ledger.writer.sync_file", failing)
    with writing(path) as writer:
        writer.append(b"one\n")
        with pytest.raises(LedgerWriteError, match="check the disk and resume"):
            await writer.sync()
        monkeypatch.undo()
        writer.append(b"two\n")
        with pytest.raises(LedgerWriteError):
            await writer.sync()
    assert path.read_bytes() == b"one\n"


async def test_flushing_in_the_background_reports_a_failure() -> None:
    with writing(Path("/dev/full"), os.O_WRONLY) as writer:
        writer.append(b"one\n")
        with pytest.raises(LedgerWriteError, match="No space left on device"), anyio.fail_after(10):
            await writer.keep_flushing()
