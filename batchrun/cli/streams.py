"""The three standard streams, any of which a parent process may have closed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from batchrun.errors import UsageError

__all__ = ["is_output_lost", "lose_output", "open_missing_streams", "stdout_for_data"]

_lost: list[OSError] = []


def open_missing_streams() -> None:
    """Put the null device in place of each standard stream that is closed, as after ``batchrun ... >&- 2>&-``.

    Otherwise the next file that is opened gets its number: a ledger would receive what is printed, and libuv ends the
    process with SIGABRT when it closes a socket whose number is that of a standard stream.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    # Python sets a stream to None if it was closed at the start.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - stays open to the end
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - likewise
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - likewise


def lose_output(error: OSError) -> None:
    """Remember that what was printed did not arrive, as on a full disk; a reader that left early has what it wanted."""
    if not isinstance(error, BrokenPipeError):
        _lost.append(error)


def is_output_lost() -> bool:
    """Whether some of standard output could not be written: a command that did its work has not succeeded then."""
    return bool(_lost)


@contextmanager
def stdout_for_data() -> Iterator[BinaryIO]:
    """Standard output for a file's content. A reader that leaves early, as ``head`` does, has what it wanted.

    Raises:
        UsageError: it cannot be written, as on a full disk.

    """
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is still buffered is flushed at exit, where it would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            fact = f"cannot be written: {(error.strerror or str(error)).lower()}"
            raise UsageError("standard output", fact, "write to another place") from None
