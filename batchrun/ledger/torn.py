"""A torn last line, left by a writer that died in the middle of a write. It is cut off and kept next to the ledger."""

import os
from pathlib import Path

from batchrun.errors import LedgerError
from batchrun.files import check_regular
from batchrun.ledger.durable import sync_file
from batchrun.ledger.reader import Reading

__all__ = ["cut_torn"]


def cut_torn(fd: int, path: Path, progress: Reading) -> None:
    """Cut a torn last line off, once it is kept durably in ``<ledger>.torn``.

    Raises:
        LedgerError: it cannot be kept there: that is a link, or no file. Nothing is cut then.
        OSError: a write failed.

    """
    keep = path.with_name(path.name + ".torn")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        kept = os.open(keep, flags, 0o600)
    except OSError as error:
        raise _not_kept(path, keep, error.strerror or str(error)) from error
    with os.fdopen(kept, "wb") as file:
        found = os.fstat(kept)
        check_regular(found, keep)
        if found.st_nlink > 1:  # another name of somebody else's file
            raise _not_kept(path, keep, "it has another hard link")
        file.write(progress.torn + b"\n")
        file.flush()
        sync_file(kept)
    os.ftruncate(fd, progress.end)
    sync_file(fd)


def _not_kept(path: Path, keep: Path, why: str) -> LedgerError:
    fact = f"its last line is torn, and cannot be kept in {keep.name}: {why}"
    return LedgerError(str(path), fact, f"move {keep.name} out of the way")
