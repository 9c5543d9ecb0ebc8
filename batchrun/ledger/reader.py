"""The events of a ledger file as a stream. Reading never needs the writer, nor a lock."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from batchrun.errors import LedgerDamagedError, LedgerError, LedgerFormatError
from batchrun.files import LONGEST_LINE_BYTES, lines_of, open_regular
from batchrun.ledger.damage import damaged, reason_of
from batchrun.ledger.events import FORMAT, BatchEvent, Event, read_event
from batchrun.ledger.fold import BatchState, fold_all

__all__ = ["Reading", "read_batch", "read_batches", "read_events", "read_state", "reading"]


@dataclass(slots=True)
class Reading:
    """How far a file could be read: where the last whole line ends, and what is torn behind it. Reading may continue there."""

    path: Path
    end: int = 0
    torn: bytes = b""
    lines: int = 0


def read_state(path: str | Path) -> BatchState:
    """Read the state of the batch in a ledger file; a torn last line is ignored.

    Raises:
        LedgerError: the file cannot be read, is not a ledger of this format, or is damaged.

    """
    state = fold_all(BatchState(), read_events(Path(path)))
    if state.batch is None:
        raise LedgerFormatError(str(path), "the ledger is empty", "submit the sweep again")
    return state


def read_batch(path: Path) -> BatchEvent:
    """The latest batch event of a ledger file: what is being submitted. Far quicker than its whole state.

    Raises:
        LedgerError: the file cannot be read, is not a ledger of this format, or is empty.

    """
    return read_batches(path)[-1]


def read_batches(path: Path) -> list[BatchEvent]:
    """The batch events of a ledger file, in order: how the batch began, and to what it was extended. At least one.

    Raises:
        LedgerError: as for ``read_batch``.

    """
    first = next(read_events(path), None)
    if not isinstance(first, BatchEvent):
        raise LedgerFormatError(str(path), "the ledger is empty", "submit the sweep again")
    found: list[BatchEvent] = []
    with open_regular(path) as file:
        end = 0
        for number, line in enumerate(lines_of(file), 1):
            _check_length(path, number, line)
            if line.startswith(_BATCH_LINE) and line.endswith(b"\n"):
                event = _batch_event(path, number, end, line)
                found += [event] if event is not None else []
            end += len(line)
    return found or [first]


def _batch_event(path: Path, number: int, start: int, line: bytes) -> BatchEvent | None:
    try:
        event = read_event(line)
    except _NOT_READ as error:
        raise _unreadable(path, error, number=number, start=start, line=line) from None
    return event if isinstance(event, BatchEvent) else None


_BATCH_LINE = b'{"event":"batch",'
_NEWLINE = ord("\n")
_TELLING = len(b'{"event":"b')
"""Bytes of a torn first line that tell a ledger from other files: less of one is left alone."""
_NOT_READ = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The last one comes from deeply nested JSON, which no writer of ours writes."""


def read_events(path: Path) -> Iterator[Event]:
    """The events of a ledger file, in order; a torn last line is passed over.

    Raises:
        LedgerError: as for ``read_state``.

    """
    try:
        with open_regular(path) as file:
            yield from reading(file, Reading(path))
    except OSError as error:
        raise LedgerError(str(path), f"cannot be read: {error.strerror}", "pass the path of a ledger") from error


def reading(file: BinaryIO, progress: Reading) -> Iterator[Event]:
    """The events of an open file; at the end, ``progress`` holds how far they reach.

    A last line without a newline is torn, whatever it holds: its writer never learned that it was durable, so nothing was
    sent on the strength of it. A torn first line must at least begin as a ledger does; else it is another file.

    Raises:
        LedgerDamagedError: a line with a newline cannot be read.
        LedgerFormatError: the first line is not a batch event of this format.

    """
    end, lines = progress.end, progress.lines
    try:
        for line in lines_of(file):  # the loop that takes the time: a ledger may have millions of lines
            if line[-1] != _NEWLINE:
                _check_torn(progress.path, lines + 1, line)
                progress.torn = line
                return
            try:
                event = read_event(line)
            except _NOT_READ as error:
                raise _unreadable(progress.path, error, number=lines + 1, start=end, line=line) from None
            if lines == 0:
                _check_first(progress.path, event)
            yield event
            end += len(line)
            lines += 1
    finally:
        progress.end, progress.lines = end, lines


def _check_torn(path: Path, number: int, line: bytes) -> None:
    if number == 1 and not line.startswith(_BATCH_LINE[: max(len(line), _TELLING)]):
        raise LedgerFormatError(f"{path}:1", "not the beginning of a ledger", _FORMAT_FIX)
    _check_length(path, number, line)


def _check_length(path: Path, number: int, line: bytes) -> None:
    """Refuse a line without an end: no writer of ours leaves one that long when it dies, so it is not cut off as torn."""
    if len(line) >= LONGEST_LINE_BYTES:
        fact = f"the line is longer than {LONGEST_LINE_BYTES:,} bytes"
        raise LedgerDamagedError(f"{path}:{number}", fact, "restore the file from a backup")


def _unreadable(path: Path, error: Exception, *, number: int, start: int, line: bytes) -> LedgerError:
    if number == 1:
        return LedgerFormatError(f"{path}:1", f"not the beginning of a ledger: {reason_of(error)}", _FORMAT_FIX)
    return damaged(path, error, number=number, start=start, line=line)


def _check_first(path: Path, event: Event) -> None:
    if not isinstance(event, BatchEvent):
        raise LedgerFormatError(f"{path}:1", "the first line is not a batch event", _FORMAT_FIX)
    if event.format != FORMAT:
        fact = f"the ledger has format {event.format}, but this version of batchrun reads format {FORMAT}"
        raise LedgerFormatError(f"{path}:1", fact, "use the version of batchrun that wrote it")


_FORMAT_FIX = "pass the path of a ledger that batchrun wrote"
