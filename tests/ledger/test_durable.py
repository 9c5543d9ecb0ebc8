"""What makes a write survive a power cut on each platform."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from batchrun.ledger import durable

F_FULLFSYNC = 51
"""Its number on macOS (sys/fcntl.h); Linux does not have it."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the operating system, in order."""
    made: list[str] = []

    def full_sync(_: int, command: int) -> int:
        made.append("F_FULLFSYNC" if command == F_FULLFSYNC else str(command))
        return 0

    monkeypatch.setattr(fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", lambda _: made.append("fsync"))
    return made


def test_on_macos_the_cache_of_the_drive_is_flushed_too(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(durable, "_FULL_SYNC", F_FULLFSYNC)
    with (tmp_path / "ledger").open("wb") as file:
        durable.sync_file(file.fileno())
    assert calls == ["F_FULLFSYNC"]


def fail_full_sync(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(_: int, __: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(durable, "_FULL_SYNC", F_FULLFSYNC)
    monkeypatch.setattr(fcntl, "fcntl", fail)


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOTTY, errno.EINVAL])
def test_a_file_system_without_full_sync_gets_the_ordinary_one(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    fail_full_sync(monkeypatch, number)
    with (tmp_path / "ledger").open("wb") as file:
        durable.sync_file(file.fileno())
    assert calls == ["fsync"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_full_sync_that_fails_is_not_covered_up_by_an_ordinary_one(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    fail_full_sync(monkeypatch, number)
    with (tmp_path / "ledger").open("wb") as file, pytest.raises(OSError, match=os.strerror(number)):
        durable.sync_file(file.fileno())
    assert calls == []


def test_the_platform_decides() -> None:
    assert getattr(fcntl, "F_FULLFSYNC", None) == durable._FULL_SYNC
