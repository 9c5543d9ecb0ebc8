"""Who holds a lock, by the system's own table."""

import fcntl
import os
import sys
from pathlib import Path

import pytest

from batchrun.ledger import lock_table
from batchrun.ledger.lock_table import holding_processes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists locks")
def test_the_process_that_holds_a_file_is_found_and_no_other(tmp_path: Path) -> None:
    held, free = tmp_path / "held", tmp_path / "free"
    free.touch()
    with held.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert holding_processes(held) == [os.getpid()]
        assert holding_processes(free) == []


def test_where_the_system_lists_no_locks_nobody_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_table, "_LOCKS", tmp_path / "none")
    assert holding_processes(tmp_path) is None


def test_only_write_locks_of_this_file_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inode, table = tmp_path.stat().st_ino, tmp_path / "locks"
    table.write_text(
        f"1: FLOCK  ADVISORY  WRITE 11 00:2f:{inode} 0 EOF\n"
        f"2: POSIX  ADVISORY  WRITE 12 00:2f:{inode} 0 EOF\n"
        f"3: FLOCK  ADVISORY  READ  13 00:2f:{inode} 0 EOF\n"
        f"4: FLOCK  ADVISORY  WRITE 14 00:2f:1{inode} 0 EOF\n"
        f"5: -> FLOCK  ADVISORY  WRITE 15 00:2f:{inode} 0 EOF\n"
        "6: short\n"
    )
    monkeypatch.setattr(lock_table, "_LOCKS", table)
    assert holding_processes(tmp_path) == [11]  # the fifth only waits
