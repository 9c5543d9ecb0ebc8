"""Find the processes on this machine that hold a file's lock, from the system's lock table, without touching the lock."""

from pathlib import Path

__all__ = ["holding_processes"]

_LOCKS = Path("/proc/locks")
_FIELDS = 6


def holding_processes(path: Path) -> list[int] | None:
    """The ids of the processes that hold the write lock of a file; None where the system does not list locks."""
    try:
        inode = path.stat().st_ino
        lines = _LOCKS.read_text("ascii").splitlines()
    except OSError:
        return None
    return [pid for line in lines if (pid := _holder(line, inode)) is not None]


def _holder(line: str, inode: int) -> int | None:
    """The process in a line of ``/proc/locks`` (see proc_locks(5)), if it holds a write lock on the inode.

    ``1: FLOCK ADVISORY WRITE 4242 00:2f:1234 0 EOF``: the sixth field ends in the inode. The device before it is not
    compared, because on overlay file systems it differs from the one that ``stat`` reports.
    """
    fields = line.split()
    is_write_lock = len(fields) >= _FIELDS and fields[1:4] == ["FLOCK", "ADVISORY", "WRITE"]
    return int(fields[4]) if is_write_lock and fields[5].endswith(f":{inode}") else None
