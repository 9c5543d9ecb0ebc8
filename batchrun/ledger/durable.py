"""Make writes survive a power cut: file contents and file names."""

import errno
import fcntl
import os
from pathlib import Path

__all__ = ["sync_directory", "sync_file"]

_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL})
"""After any other error the content may be lost, and a further sync would not reveal it."""
_sync = getattr(os, "fdatasync", os.fsync)


def sync_file(fd: int) -> None:
    """Return when the file's content is on stable storage.

    On macOS ``fsync`` leaves it in the drive's cache; ``F_FULLFSYNC`` flushes that as well (fcntl(2) there). A file system
    that does not support it gets ``fsync``, as SQLite does.

    Raises:
        OSError: the content may not be on stable storage, and a later sync would not reveal it.

    """
    if _FULL_SYNC is not None:
        try:
            fcntl.fcntl(fd, _FULL_SYNC)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            os.fsync(fd)
        return
    _sync(fd)


def sync_directory(folder: Path) -> None:
    """Return when the names in a folder are on stable storage, such as that of a file just created or renamed."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
