"""Is somebody writing a ledger? Asked without touching its lock, so that asking disturbs no one."""

import os
import socket
from enum import StrEnum
from pathlib import Path

from batchrun.ledger.events import SessionEvent

__all__ = ["Writing", "writing"]

_LOCKS = Path("/proc/locks")


class Writing(StrEnum):
    """What the latest session of a ledger is doing."""

    NOBODY = "nobody"
    """It ended as it should, or none began."""
    RUNNING = "running"
    """Its process is at work."""
    CUT_OFF = "cut_off"
    """It began and has no end, and its process is gone: killed, or the machine went down."""
    ELSEWHERE = "elsewhere"
    """It began on another machine, and has no end: it may be at work there."""


def writing(path: Path, session: SessionEvent | None) -> Writing:
    """What became of the session whose event is the latest in the ledger."""
    if session is None or session.action == "stop":
        return Writing.NOBODY
    if session.host != socket.gethostname():
        return Writing.ELSEWHERE
    held = _is_locked(path)
    return Writing.RUNNING if (_is_alive(session.pid) if held is None else held) else Writing.CUT_OFF


def _is_locked(path: Path) -> bool | None:
    """Whether a process of this machine holds the ledger's lock; None where the system does not tell."""
    try:
        inode = path.stat().st_ino
        lines = _LOCKS.read_text("ascii").splitlines()
    except OSError:
        return None
    return any(_names(line.split(), inode) for line in lines)


def _names(words: list[str], inode: int) -> bool:
    """``1: FLOCK ADVISORY WRITE 4242 00:2f:1234 0 EOF``: the inode stands last in the sixth word.

    The device is not compared: file systems that are stacked show another one than ``stat`` does.
    """
    return len(words) > 5 and words[1:4] == ["FLOCK", "ADVISORY", "WRITE"] and words[5].endswith(f":{inode}")  # noqa: PLR2004


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
