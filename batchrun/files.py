"""Reading regular files only, and writing files that appear complete or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from batchrun.errors import UsageError

__all__ = ["LONGEST_LINE_BYTES", "as_text", "check_regular", "lines_of", "open_regular", "resolved", "whole_file"]

BUFFER_BYTES = 1 << 20
LONGEST_LINE_BYTES = 128 << 20
"""Far more than any line of ours: a manifest of 16 MiB, twice as long in JSON, and the keys of millions of runs."""
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def as_text(path: str | Path) -> str:
    """A path, or a part of one, as text that can be written: bytes that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def resolved(path: str | Path) -> Path:
    """The path with symbolic links followed, so that a link and its target are one file.

    Raises:
        UsageError: links lead in a circle, or it is not a valid path.

    """
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # before Python 3.13 a circle is a RuntimeError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(str(path), f"is not a usable path: {reason}", "pass the path of a file") from None


def check_regular(found: os.stat_result, path: Path) -> None:
    """Refuse what cannot be read to an end, or appended to, or replaced.

    Raises:
        UsageError: it is a directory, a device, a pipe or a socket.

    """
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for fits, name in _KINDS if fits(found.st_mode)), "something else")
        raise UsageError(str(path), f"is {kind}, not a regular file", "pass the path of a file")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        OSError: it cannot be opened.
        UsageError: it is not a regular file.

    """
    check_regular(path.stat(), path)  # first: opening alone may already do something to a device
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # non-blocking: it may be a pipe by now
    try:
        check_regular(os.fstat(fd), path)
    except UsageError:
        os.close(fd)
        raise
    return os.fdopen(fd, "rb", buffering=BUFFER_BYTES)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file. One that is longer than ``LONGEST_LINE_BYTES`` comes in pieces, of which only the last has an end.

    A sparse file of ten gigabytes is a single line, which would otherwise be read into memory.
    """
    return iter(partial(file.readline, LONGEST_LINE_BYTES), b"")


@contextmanager
def whole_file(target: Path, *, mode: int | None = None, is_durable: bool = False) -> Iterator[BinaryIO]:
    """Write to the file that is given; it takes the name ``target`` when the block ends, and is removed when it fails.

    It lies in the same directory, because a rename across file systems is not atomic, under a name that did not exist, so
    that nothing that somebody planted there is followed. Without a ``mode`` it has the permissions of the file that it
    replaces, or those that the umask leaves. A symbolic link as ``target`` stays, and what it leads to is replaced.
    ``is_durable``: the content is on stable storage before it takes the name.

    Raises:
        UsageError: ``target`` exists and is not a regular file, or it cannot be written.

    """
    real = resolved(target)
    unfinished = real.with_name(f".{real.name[:200]}.{secrets.token_hex(4)}.part")
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        before = real.stat() if real.exists() else None
        if before is not None:
            check_regular(before, target)
        fd = os.open(unfinished, flags, 0o666 if mode is None else mode)
        try:
            with os.fdopen(fd, "wb", buffering=BUFFER_BYTES) as file:
                if before is not None and mode is None:
                    os.fchmod(fd, stat.S_IMODE(before.st_mode))
                yield file
                file.flush()
                if is_durable:
                    os.fsync(fd)
            unfinished.replace(real)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            str(target), f"cannot be written: {error.strerror or error}", "check the path and the disk"
        ) from error
