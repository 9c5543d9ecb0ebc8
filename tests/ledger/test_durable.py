"""What makes a write survive a power cut on each platform."""

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


def test_a_file_system_without_full_sync_gets_the_ordinary_one(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def not_supported(_: int, __: int) -> int:
        raise OSError("not supported")

    monkeypatch.setattr(durable, "_FULL_SYNC", F_FULLFSYNC)
    monkeypatch.setattr(fcntl, "fcntl", not_supported)
    with (tmp_path / "ledger").open("wb") as file:
        durable.sync_file(file.fileno())
    assert calls == ["fsync"]


def test_the_platform_decides() -> None:
    assert getattr(fcntl, "F_FULLFSYNC", None) == durable._FULL_SYNC
