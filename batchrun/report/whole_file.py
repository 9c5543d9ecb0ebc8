"""A file that appears complete or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchrun.errors import UsageError

__all__ = ["whole_file"]


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Write to the path that is given; it replaces ``target`` when the block ends, and is removed when it fails.

    The path lies in the same directory, because a rename across file systems is not atomic, and did not exist before, so
    that nothing that somebody planted there is followed. It has the permissions that the umask leaves. A symbolic link as
    ``target`` stays, and what it leads to is replaced.

    Raises:
        UsageError: ``target`` exists and is not a regular file, or cannot be written.

    """
    real = target.resolve()
    if real.exists() and not real.is_file():
        raise UsageError(str(target), "is not a regular file", "give the name of a file")
    unfinished = real.with_name(f".{real.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o666))
    except OSError as error:
        raise UsageError(str(target), f"cannot be written: {error.strerror}", "give another path") from error
    try:
        yield unfinished
        unfinished.replace(real)
    finally:
        unfinished.unlink(missing_ok=True)
