"""One writer per ledger: an operating system lock on the file itself, released when its process ends."""

import fcntl
import os
import time
from pathlib import Path

import msgspec

from batchrun.errors import LedgerHeldError
from batchrun.files import open_regular
from batchrun.ledger.events import SessionEvent, read_event
from batchrun.ledger.lock_table import holding_processes

__all__ = ["lock"]

RETRY_EVERY_S = 0.02
WAIT_FOR_APPEND_S = 2.0
"""How long to wait for a lock that can only be held for a moment, such as by ``batchrun watch`` for one append and a sync."""
WAIT_IN_SESSION_S = 0.5
"""How long where a session is open: most likely its process holds the lock until it ends, but it may have been killed."""


def lock(fd: int, path: Path) -> bool:
    """Lock an open ledger for writing; returns False if the file at ``path`` was replaced meanwhile, and must be reopened.

    Raises:
        LedgerHeldError: another process holds it for longer than an append takes; says which, where the ledger reveals it.

    """
    if not _try_lock(fd):
        session = _open_session(path)
        deadline_s = time.monotonic() + (WAIT_FOR_APPEND_S if session is None else WAIT_IN_SESSION_S)
        while not _try_lock(fd):
            if time.monotonic() >= deadline_s:
                raise LedgerHeldError(str(path), _holder(session, path), "wait for it, or end that process")
            time.sleep(RETRY_EVERY_S)
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _try_lock(fd: int) -> bool:
    try:
        # Not a POSIX record lock, which is lost once its process closes any descriptor of the file, as after reading.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(session: SessionEvent | None, path: Path) -> str:
    if session is None:
        # Not every writer begins a session: a person may be deciding about runs.
        pids = holding_processes(path)
        return f"process {pids[0]} is writing it" if pids else "another process is writing it"
    return f"process {session.pid} on {session.host} has been writing it since {session.at}"


def _open_session(path: Path) -> SessionEvent | None:
    """The start of the session that has no end yet, if there is one."""
    found = None
    with open_regular(path) as file:
        for line in file:
            # Searched as bytes: parsing a large ledger takes seconds, and somebody waits.
            if b'"event":"session"' in line:
                found = line
    try:
        event = read_event(found) if found is not None else None
    except msgspec.DecodeError:
        return None
    return event if isinstance(event, SessionEvent) and event.action == "start" else None
