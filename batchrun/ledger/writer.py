"""Appending to the ledger: many events share one write and one sync, off the event loop."""

import errno
import os
from pathlib import Path

import anyio
import anyio.to_thread

from batchrun.errors import LedgerChangedError, LedgerWriteError
from batchrun.ledger.durable import sync_file

__all__ = ["LedgerWriter"]

FLUSH_EVERY_S = 0.05
"""Responses that a kill can lose: as many as arrive in this time. Each costs a look in a list, and no run."""
GATHER_S = 0.001
"""With many concurrent writers, how long a leader waits for more of them: fewer, larger writes cost less overall."""
SIBLINGS = 8
"""Lines in the last write that make it likely that more are coming."""


class LedgerWriter:
    """Group commit on one file descriptor, which it does not own.

    There is no background task: whoever needs durability first becomes the leader and writes for all who wait; those who
    come meanwhile share the next write. After a failed write or sync nothing more is written, ever: what reached the disk
    is unknown then, and a later sync would not tell (PostgreSQL's "fsyncgate").
    """

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        self._name = os.fspath(path)
        self._size = os.fstat(fd).st_size
        self._lines: list[bytes] = []
        self._appended = 0
        self._synced = 0
        self._shared = 0
        self._flushing: anyio.Event | None = None
        self._failure: LedgerWriteError | None = None

    @property
    def failure(self) -> LedgerWriteError | None:
        """The write or sync that failed, if one did."""
        return self._failure

    def append(self, line: bytes) -> None:
        """Queue a line; it is durable after the next sync."""
        self._lines.append(line)
        self._appended += 1

    async def sync(self) -> None:
        """Return when everything appended so far is durable. Not to be cancelled half-way: shield it.

        Raises:
            LedgerWriteError: a write or a sync failed, now or earlier.

        """
        ticket = self._appended
        while self._synced < ticket:
            if self._failure is not None:
                raise self._failure
            if self._flushing is None:
                await self._lead()
            else:
                await self._flushing.wait()

    async def keep_flushing(self) -> None:
        """Sync every 50 ms while there is something to sync; runs until cancelled.

        Raises:
            LedgerWriteError: as for ``sync``.

        """
        while True:
            await anyio.sleep(FLUSH_EVERY_S)
            if self._synced == self._appended:
                continue
            with anyio.CancelScope(shield=True):
                await self.sync()

    async def _lead(self) -> None:
        self._flushing = done = anyio.Event()
        try:
            # Shielded: of a write that was cancelled, nobody knows how much reached the file.
            with anyio.CancelScope(shield=True):
                if self._shared >= SIBLINGS:
                    await anyio.sleep(GATHER_S)
                lines, self._lines = self._lines, []
                self._shared = len(lines)
                reached = self._appended
                await anyio.to_thread.run_sync(self._write, b"".join(lines))
            self._synced = reached
        except BaseException as error:
            # Whatever it was, these lines are in doubt, and no later sync can vouch for them.
            self._failure = _failure(self._path, error)
            if isinstance(error, Exception):
                raise self._failure from error
            raise
        finally:
            self._flushing = None
            done.set()

    def _write(self, data: bytes) -> None:
        self._check_file()
        view = memoryview(data)
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]
        sync_file(self._fd)

    def _check_file(self) -> None:
        """Refuse to continue in a file that is no longer the ledger.

        The lock alone does not suffice: on a network file system it may be local to each machine, and nothing keeps a
        file from being replaced, as by a sync tool, or removed. What is written there would be lost without a word.

        Raises:
            LedgerChangedError: the file was removed, replaced, cut or appended to.

        """
        ours = os.fstat(self._fd)
        try:
            named = os.stat(self._name)  # noqa: PTH116 - at each write, and twice as fast as Path.stat
        except FileNotFoundError:
            named = None
        if named is None:
            what, which = ("was moved", "move it back") if ours.st_nlink else ("was removed", "restore it")
            raise _changed(self._path, what, fix=f"{which}, or rebuild it with batchrun recover SWEEP")
        if not os.path.samestat(ours, named):
            raise _changed(self._path, "was replaced by another file")
        if ours.st_size != self._size:
            change = "was cut" if ours.st_size < self._size else "was written by another process"
            sizes = f"it has {ours.st_size:,} bytes, but should have {self._size:,}"
            raise _changed(self._path, change, detail=f": {sizes}")


FIND_OUT = "find out which process did this; batchrun verify compares what you have with the service"


def _changed(path: Path, what: str, *, detail: str = "", fix: str = FIND_OUT) -> LedgerChangedError:
    fact = f"the ledger {what} while the batch was running{detail}"
    return LedgerChangedError(str(path), fact, fix)


def _failure(path: Path, error: BaseException) -> LedgerWriteError:
    if isinstance(error, LedgerWriteError):
        return error
    number, words = (error.errno, error.strerror) if isinstance(error, OSError) else (None, None)
    full = number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    fix = "free disk space and resume" if full else "check the disk and resume"
    fact = f"the ledger cannot be written: {words or str(error) or type(error).__name__}"
    return LedgerWriteError(str(path), fact, fix)
