"""Determine whether a process is writing a ledger, without touching the ledger's lock.

Trying the lock would be simpler, but for that moment a starting ``batchrun submit`` would find it taken.
"""

import os
import socket
from enum import StrEnum
from pathlib import Path

from batchrun.ledger.events import SessionEvent
from batchrun.ledger.lock_table import holding_processes

__all__ = ["WriterState", "writer_state"]


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
    holders = holding_processes(ledger)
    # Without a table of locks, as on macOS, the process id has to do, although another process may have it by now.
    running = _is_alive(session.pid) if holders is None else bool(holders)
    return WriterState.RUNNING if running else WriterState.CRASHED


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it exists, but belongs to somebody else
        return True
    return True
