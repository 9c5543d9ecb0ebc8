"""A ledger file opened for writing: created, recovered, appended to, closed."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import anyio.to_thread
from typing_extensions import override

from batchrun.callbacks import ignored
from batchrun.errors import LedgerError
from batchrun.files import check_regular, resolved
from batchrun.ledger.clock import LedgerClock
from batchrun.ledger.durable import sync_directory
from batchrun.ledger.events import AttemptEvent, BatchEvent, Event, event_line
from batchrun.ledger.fold import BatchState, fold, fold_all
from batchrun.ledger.lock import lock
from batchrun.ledger.reader import Reading, reading
from batchrun.ledger.torn import cut_torn
from batchrun.ledger.writer import LedgerWriter

__all__ = ["FileLedger"]


class FileLedger:
    """The only writer of a ledger file; holds its lock until closed. Create one with ``open``."""

    def __init__(self, path: Path, fd: int, state: BatchState, torn: bytes, *, is_made: bool = False) -> None:
        self.path = path
        self.state = state
        """The batch as it was when the ledger was opened; not kept up to date."""
        self.torn = torn
        """The torn last line that was cut off on opening and kept in ``<ledger>.torn``; empty when there was none."""
        self.clock = LedgerClock()
        self.on_record: Callable[[Event], object] = ignored
        """Called with every event as it is recorded, before it is durable."""
        self._fd = fd
        self._is_made = is_made
        """Whether ``open`` created the file. Only then may it be removed again."""
        self._writer = LedgerWriter(fd, path)

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> Self:
        """Open a ledger for exclusive writing, and recover from a torn last line.

        In an empty file, ``state.batch`` is None until ``begin`` writes the batch. A file that does not start like a
        ledger is left unchanged.

        Raises:
            LedgerHeldError: another process is writing it.
            LedgerDamagedError: a line in the middle cannot be read.
            LedgerFormatError: it is not a ledger of this format.
            LedgerError: it cannot be opened.
            UsageError: it is not a regular file.

        """
        path = resolved(path)  # so that a link and its target are one ledger, and replacing it replaces the file
        fd, is_made = _open_locked(path, create=create)
        try:
            with _as_ledger_error(path):
                state, torn = _recover(fd, path)
        except BaseException:
            os.close(fd)
            raise
        return cls(path, fd, state, torn, is_made=is_made)

    @override
    def __repr__(self) -> str:
        return f"<Ledger {self.path}, {self.state.attempts} attempts when opened>"

    @property
    def is_new(self) -> bool:
        """True until ``begin`` has written the first line."""
        return self.state.batch is None

    async def begin(self, batch: BatchEvent) -> None:
        """Write the first line, durably.

        Raises:
            LedgerWriteError: it cannot be written.

        """
        # In a thread: extending a batch goes through every run that the ledger knows.
        await anyio.to_thread.run_sync(fold, self.state, batch)
        await self.record_durably(batch)

    async def attempted(self, key: str, n: int, name: str = "", generation: int = 1) -> None:
        """Return when the attempt is durable: only then may its POST leave.

        Raises:
            LedgerWriteError: it is not.

        """
        await self.record_durably(AttemptEvent(at=self.clock.stamp(), key=key, n=n, name=name, generation=generation))

    async def record_durably(self, event: Event) -> None:
        """Append and wait for the sync.

        Raises:
            LedgerWriteError: a write or a sync failed.

        """
        self.record(event)
        await self._writer.sync()

    def record(self, event: Event) -> None:
        """Append; durable with the next sync, at most 50 ms later while ``keep_flushing`` runs."""
        self._writer.append(event_line(event))
        self.on_record(event)

    async def keep_flushing(self) -> None:
        """Sync every 50 ms; runs until cancelled.

        Raises:
            LedgerWriteError: a write or a sync failed.

        """
        await self._writer.keep_flushing()

    async def flush(self) -> None:
        """Return when everything recorded is durable.

        Raises:
            LedgerWriteError: a write or a sync failed, now or earlier.

        """
        await self._writer.sync()

    def close(self) -> None:
        """Close the file and release its lock; a file created by ``open`` is removed if no batch was written."""
        if self._fd < 0:
            return
        # Removed while it is still locked: whoever waits for the lock finds the name gone, and opens it anew.
        if self._is_made and os.fstat(self._fd).st_size == 0 and _is_at(self._fd, self.path):
            self.path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _open_locked(path: Path, *, create: bool) -> tuple[int, bool]:
    """The open file, and whether it was created."""
    while True:
        with _as_ledger_error(path):
            fd, is_made = _open(path, create=create)
        try:
            with _as_ledger_error(path):
                check_regular(os.fstat(fd), path)
                if lock(fd, path):
                    sync_directory(path.parent)
                    return fd, is_made
        except BaseException:
            if is_made:
                path.unlink(missing_ok=True)
            os.close(fd)
            raise
        os.close(fd)


def _open(path: Path, *, create: bool) -> tuple[int, bool]:
    """Open an existing file, or create one. Links are already resolved: one that appears now was planted."""
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        check_regular(path.stat(), path)  # first: opening alone may already do something to a device
        return os.open(path, flags), False
    except FileNotFoundError:
        if not create:
            raise
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:  # made by somebody else just now
        return os.open(path, flags), False


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat(follow_symlinks=False))
    except OSError:
        return False


def _recover(fd: int, path: Path) -> tuple[BatchState, bytes]:
    """Fold the existing events, and cut off a torn last line."""
    state, progress = BatchState(), Reading(path)
    with os.fdopen(fd, "rb", buffering=1 << 20, closefd=False) as file:
        fold_all(state, reading(file, progress))
    if progress.torn:
        cut_torn(fd, path, progress)
    return state, progress.torn


@contextmanager
def _as_ledger_error(path: Path) -> Iterator[None]:
    """An ``OSError`` inside becomes a ``LedgerError``."""
    try:
        yield
    except OSError as error:
        fact = f"cannot be opened for writing: {error.strerror or error}"
        raise LedgerError(str(path), fact, "check the path and its permissions") from error
