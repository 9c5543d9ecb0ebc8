"""One writer a ledger: an operating system's lock on the file itself, gone with the process that holds it."""

import fcntl
import os
from pathlib import Path

import msgspec

from batchrun.errors import LedgerHeldError
from batchrun.ledger.events import SessionEvent, read_event

__all__ = ["lock"]


def lock(fd: int, path: Path) -> bool:
    """Lock an open ledger for writing; False when the file at ``path`` was replaced meanwhile: open it again.

    Raises:
        LedgerHeldError: another process holds it; says which, where the ledger tells.

    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise LedgerHeldError(str(path), _holder(path), "wait for it, or end that process") from None
    try:
        # Between open and lock, compact may have replaced the file: the lock would be on one that nobody reads.
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    session = _last_session_start(path)
    if session is None:
        return "another process is writing it"
    return f"process {session.pid} on {session.host} is writing it since {session.at}"


def _last_session_start(path: Path) -> SessionEvent | None:
    found = None
    with path.open("rb") as file:
        for line in file:
            if b'"event":"session"' in line and b'"start"' in line:
                found = line
    try:
        event = read_event(found) if found is not None else None
    except msgspec.DecodeError:
        return None
    return event if isinstance(event, SessionEvent) else None
