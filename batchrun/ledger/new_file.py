"""Write a whole ledger at once: it appears complete or not at all, and never replaces another file."""

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from batchrun.errors import LedgerError, LedgerWriteError
from batchrun.ledger.durable import sync_directory, sync_file
from batchrun.ledger.events import Event, event_line

__all__ = ["check_free", "write_new_ledger"]

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""Errors from file systems without hard links."""


def check_free(path: Path) -> None:
    """Refuse a path that exists, even if it is an empty file or a dangling link.

    Raises:
        LedgerError: the path exists.

    """
    if os.path.lexists(path):
        fact = "the file exists and is not overwritten"
        raise LedgerError(str(path), fact, "continue it with submit, or choose another --ledger")


def write_new_ledger(path: Path, events: Iterable[Event]) -> None:
    """Write a ledger durably, for this user alone to read.

    Raises:
        LedgerError: there is a file at the path.
        LedgerWriteError: it cannot be written; nothing is left behind.

    """
    try:
        fd, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(fd, "wb", buffering=1 << 20) as file:
                file.writelines(map(event_line, events))
                file.flush()
                sync_file(file.fileno())
            _put(Path(name), path)
        finally:
            Path(name).unlink(missing_ok=True)
        _sync_name(path)
    except FileExistsError:
        check_free(path)
        raise
    except OSError as error:
        fact = f"the ledger cannot be written: {error.strerror or error}"
        raise LedgerWriteError(str(path), fact, "free disk space, or choose another --ledger") from error


def _put(written: Path, path: Path) -> None:
    """Give a file its name, unless that is taken: a rename would replace it."""
    try:
        os.link(written, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # The name is taken first, which fails if anybody has it; a crash before the next line leaves an empty file.
        path.touch(mode=0o600, exist_ok=False)
        written.replace(path)


def _sync_name(path: Path) -> None:
    """Make the name durable; a ledger whose name is not is removed again, since its caller says that there is none."""
    try:
        sync_directory(path.parent)
    except OSError:
        path.unlink(missing_ok=True)
        raise
