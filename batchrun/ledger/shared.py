"""A ledger file that others may be writing: read as it grows, and appended to while nobody else holds its lock.

A batch's writer holds the lock for as long as it runs. Whoever only adds what it learned about runs, such as
``batchrun watch``, takes it for one append: lock, check that it is still the same file, read what others wrote meanwhile,
append, sync, unlock. So there is one writer at each moment, and nothing is written twice.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from typing_extensions import override

from batchrun.errors import LedgerChangedError, LedgerError, LedgerFormatError, LedgerWriteError
from batchrun.files import check_regular, resolved
from batchrun.ledger.clock import LedgerClock
from batchrun.ledger.durable import sync_file
from batchrun.ledger.events import Event, event_line
from batchrun.ledger.fold import fold_all
from batchrun.ledger.reader import Reading, reading
from batchrun.ledger.state import BatchState
from batchrun.ledger.torn import cut_torn

__all__ = ["SharedLedger"]

Observe = Callable[[Event], object]


class SharedLedger:
    """A ledger read beside its writer. Its methods block; call them in a thread where there is an event loop.

    ``observe`` receives every event that is read or appended, in order. When the file was replaced by ``batchrun ledger
    compact``, it is read from the start, and ``observe`` sees its events again.
    """

    def __init__(self, path: Path, observe: Observe) -> None:
        self.path = path
        self.clock = LedgerClock()
        self.state = BatchState()
        """The batch as of the last ``refresh`` or ``append``."""
        self.reloads = 0
        """How often the file was replaced by another, and was read from the start."""
        self._observe = observe
        self._reading = Reading(path)
        self._inode: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: str | Path, observe: Observe = lambda _: None) -> Self:
        """Read a ledger.

        Raises:
            LedgerError: the file cannot be read, is not a ledger of this format, or is damaged.
            UsageError: it is not a regular file.

        """
        shared = cls(resolved(path), observe)
        shared.refresh()
        if shared.state.batch is None:
            raise LedgerFormatError(str(path), "the ledger is empty", "submit the sweep first")
        return shared

    @override
    def __repr__(self) -> str:
        return f"<SharedLedger {self.path}, {self._reading.lines} lines read>"

    def refresh(self) -> None:
        """Read what was appended since.

        Raises:
            LedgerError: the file cannot be read, or is damaged.
            LedgerChangedError: it was removed, cut, or replaced by the ledger of another batch.

        """
        try:
            with self._opened(os.O_RDONLY) as fd:
                self._read(fd)
        except FileNotFoundError as error:
            if self._inode is not None:
                raise _changed(self.path, "was removed") from error
            raise LedgerError(str(self.path), "no such file", "pass the path of a ledger") from error
        except OSError as error:
            raise LedgerError(str(self.path), f"cannot be read: {error.strerror}", "check its permissions") from error

    def append(self, events_of: Callable[[BatchState], Iterable[Event]]) -> bool:
        """Append events, durably; ``events_of`` makes them from the state of the batch at that moment.

        False if another process holds the lock: try again later. Nothing was read or written then.

        Raises:
            LedgerError: as for ``refresh``.
            LedgerWriteError: a write or a sync failed; what reached the disk is not known.

        """
        try:
            with self._opened(os.O_RDWR | os.O_APPEND) as fd:
                return self._is_locked(fd) and self._append_locked(fd, events_of)
        except OSError as error:
            fact = f"the ledger cannot be written: {error.strerror or error}"
            raise LedgerWriteError(str(self.path), fact, "check the file and the disk, then try again") from error

    def _is_locked(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # A compaction may have replaced the file between opening and locking it.
        return os.path.samestat(os.fstat(fd), self.path.stat())

    def _append_locked(self, fd: int, events_of: Callable[[BatchState], Iterable[Event]]) -> bool:
        self._read(fd)
        if self._reading.torn:
            cut_torn(fd, self.path, self._reading)
        data = memoryview(b"".join(map(event_line, events_of(self.state))))
        if data:
            while data:
                data = data[os.write(fd, data) :]
            # Read back afterwards, so that `observe` sees these events as it sees those of other processes.
            sync_file(fd)
            self._read(fd)
        return True

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        """An open file; closing it gives its lock back."""
        check_regular(self.path.stat(), self.path)
        fd = os.open(
            self.path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )  # it may be a link or a pipe by now
        try:
            check_regular(os.fstat(fd), self.path)
            yield fd
        finally:
            os.close(fd)

    def _read(self, fd: int) -> None:
        """Fold the lines after those that were read before, or all of them if the file is another one."""
        status = os.fstat(fd)
        inode = status.st_dev, status.st_ino
        if self._inode is not None and inode != self._inode:
            self._begin_again()
        elif status.st_size < self._reading.end:
            raise _changed(self.path, "was cut")
        self._inode, before = inode, self.state.batch
        self._reading.torn = b""
        with os.fdopen(fd, "rb", buffering=1 << 20, closefd=False) as file:
            file.seek(self._reading.end)
            fold_all(self.state, self._observed(reading(file, self._reading)))
        if before is not None and self.state.batch is not None and before.batch_id != self.state.batch.batch_id:
            raise _changed(self.path, "was replaced by that of another batch")

    def _observed(self, events: Iterable[Event]) -> Iterable[Event]:
        for event in events:
            self._observe(event)
            yield event

    def _begin_again(self) -> None:
        batch = self.state.batch
        self.reloads += 1
        # The batch is kept until the new file is read, so that another batch in its place is noticed.
        self.state, self._reading = BatchState(batch=batch), Reading(self.path)


def _changed(path: Path, what: str) -> LedgerChangedError:
    fact = f"the ledger {what} while it was being read"
    return LedgerChangedError(str(path), fact, "find out which process did this, then run the command again")
