"""A ledger that is written whole: complete or not there, and never in place of something else."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from batchrun.errors import LedgerError, LedgerWriteError
from batchrun.ledger.new_file import write_new_ledger
from batchrun.ledger.reader import read_state
from tests.ledger.test_ledger import batch


def test_it_is_complete_private_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.ledger.jsonl"
    write_new_ledger(path, [batch(3)])
    assert read_state(path).batch == batch(3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_there_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "there"
    match kind:
        case "file":
            path.write_text("mine")
        case "link":
            path.symlink_to(tmp_path / "nowhere")
        case _:
            path.mkdir()
    with pytest.raises(LedgerError, match="the file exists and is not overwritten"):
        write_new_ledger(path, [batch(3)])
    assert [one.name for one in tmp_path.iterdir()] == ["there"]
    assert kind != "file" or path.read_text() == "mine"


def test_without_hard_links_it_is_renamed_and_still_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "new.ledger.jsonl"
    write_new_ledger(path, [batch(3)])
    assert read_state(path).batch == batch(3)
    with pytest.raises(LedgerError, match="the file exists and is not overwritten"):
        write_new_ledger(path, [batch(4)])
    assert read_state(path).batch == batch(3)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LedgerWriteError, match="cannot be written: No such file or directory"):
        write_new_ledger(tmp_path / "nowhere" / "new.ledger.jsonl", [batch(3)])

    def broken() -> Any:
        yield batch(3)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_new_ledger(tmp_path / "new.ledger.jsonl", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_may_not_survive_a_power_cut_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def failing_of_folders(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", failing_of_folders)
    with pytest.raises(LedgerWriteError, match="Input/output error"):
        write_new_ledger(tmp_path / "new.ledger.jsonl", [batch(3)])
    assert list(tmp_path.iterdir()) == []
