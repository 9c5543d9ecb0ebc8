"""Whether a process is writing a ledger, found out without touching the ledger's lock.

Trying the lock would be simpler, but for that moment a starting ``batchrun submit`` would find it taken.
"""

import os
import socket
from enum import StrEnum
from pathlib import Path

from batchrun.ledger.events import SessionEvent

__all__ = ["WriterState", "is_lock_entry", "writer_state"]

_LOCKS = Path("/proc/locks")
LOCK_FIELDS = 6


class WriterState(StrEnum):
    """What the process of a ledger's latest session is doing. The values appear in JSON output."""

    NONE = "nobody"
    """The session ended as it should, or there was none."""
    RUNNING = "running"
    """The process is alive and writing."""
    CRASHED = "cut_off"
    """The session has no end, and its process is gone: it was killed, or the machine went down."""
    REMOTE = "elsewhere"
    """The session started on another machine and has no end; the process may still be running there."""


def writer_state(ledger: Path, session: SessionEvent | None) -> WriterState:
    """The state of the process behind the latest session event of a ledger."""
    if session is None or session.action == "stop":
        return WriterState.NONE
    if session.host != socket.gethostname():
        return WriterState.REMOTE
    locked = _is_locked(ledger)
    # Without /proc/locks, as on macOS, the process id has to do, although another process may have it by now.
    running = _is_alive(session.pid) if locked is None else locked
    return WriterState.RUNNING if running else WriterState.CRASHED


def _is_locked(ledger: Path) -> bool | None:
    """Whether a process on this machine holds the ledger's lock; None where the system does not list locks."""
    try:
        inode = ledger.stat().st_ino
        lines = _LOCKS.read_text("ascii").splitlines()
    except OSError:
        return None
    return any(is_lock_entry(line, inode) for line in lines)


def is_lock_entry(line: str, inode: int) -> bool:
    """Whether a line of ``/proc/locks`` (see proc_locks(5)) is a write lock on the inode.

    ``1: FLOCK ADVISORY WRITE 4242 00:2f:1234 0 EOF``: the sixth field ends in the inode. The device before it is not
    compared, because on overlay file systems it differs from the one that ``stat`` reports.
    """
    fields = line.split()
    is_write_lock = len(fields) >= LOCK_FIELDS and fields[1:4] == ["FLOCK", "ADVISORY", "WRITE"]
    return is_write_lock and fields[5].endswith(f":{inode}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it exists, but belongs to somebody else
        return True
    return True
