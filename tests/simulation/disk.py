"""A simulated disk: real files in one folder, behind the calls of the operating system.

The ledger's code is the real one. What a write leaves and what a sync makes durable is decided here: a process can be killed
in the middle of a write, before a sync and after it; a write can be short or meet a full disk; a sync can fail; and when the
power goes, what was not synced is lost, or a part of it. To be installed before batchrun is imported.
"""

import errno
import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulation.clock import Killed
from tests.simulation.tracing import Trace

__all__ = ["DISK", "SOUND_DISK", "Disk", "DiskFaults", "install"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFaults:
    """What happens at the disk during one process; writes and syncs count from 1, and 0 is never."""

    kill_at_write: int = 0
    kill_at_sync: int = 0
    kill_after_sync: int = 0
    full_at_write: int = 0
    failing_sync: int = 0
    short_writes: bool = False


SOUND_DISK = DiskFaults()
_open, _close, _write, _ftruncate, _replace = os.open, os.close, os.write, os.ftruncate, os.replace


class Disk:
    """The files of a history, in ``folder``."""

    def __init__(self) -> None:
        self._files: dict[int, str] = {}
        self._inodes: dict[int, int] = {}
        self._durable: dict[str, int] = {}
        self.start(Path("/nowhere"), lambda _: None)

    def start(self, folder: Path, trace: Trace) -> None:
        """Begin a history."""
        self._folder = str(folder)
        self._trace = trace
        self._durable.clear()
        self.start_process(DiskFaults(), random.Random(0), lambda: None)

    def start_process(self, faults: DiskFaults, chance: random.Random, kill: Callable[[], None]) -> None:
        self._faults, self._chance, self._kill = faults, chance, kill
        self._writes = self._syncs = 0
        self._is_severed = False

    def sever(self) -> None:
        """The process is dead: what its code still does reaches no disk."""
        self._is_severed = True

    def end_process(self) -> None:
        """Close what it left open, which gives back its locks."""
        for fd in self._files:
            with suppress(OSError):  # a file object on it has closed it
                if os.fstat(fd).st_ino == self._inodes[fd]:
                    _close(fd)
        self._files.clear()

    def durable(self, path: Path, begin: int) -> bytes:
        """What would be left of an open file if the power went now, from a place on."""
        name = str(path)
        if (length := self._durable[name] - begin) <= 0:
            return b""
        fd = next(fd for fd, opened in self._files.items() if opened == name)
        return os.pread(fd, length, begin)

    def cut_power(self) -> None:
        """Lose what was written and not synced, or a part of it."""
        for name, durable in self._durable.items():
            path = Path(name)
            if path.exists() and (size := path.stat().st_size) > durable:
                os.truncate(path, self._chance.choice([durable, self._chance.randint(durable, size)]))

    @staticmethod
    def clear(folder: Path) -> None:
        """Remove the files of a history that was played in this folder."""
        for path in folder.iterdir():
            path.unlink()

    def put(self, path: Path, content: bytes) -> None:
        """Another file takes the place of this one, as when a backup is restored."""
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        self._durable[str(path)] = len(content)

    def remove(self, path: Path) -> None:
        """A file is lost."""
        path.unlink()
        self._durable.pop(str(path), None)

    def open(self, path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        fd = _open(path, flags, mode, **options)
        if not flags & os.O_DIRECTORY and (name := os.fspath(path)).startswith(self._folder):
            found = os.fstat(fd)
            self._files[fd], self._inodes[fd] = name, found.st_ino
            self._durable.setdefault(name, found.st_size)
        return fd

    def close(self, fd: int) -> None:
        self._files.pop(fd, None)
        _close(fd)

    def write(self, fd: int, data: Any, /) -> int:
        if fd not in self._files:
            return _write(fd, data)
        self._check_alive()
        self._writes += 1
        if self._writes == self._faults.kill_at_write:
            _write(fd, data[: self._chance.randint(0, len(data))])
            self._die()
        if self._writes == self._faults.full_at_write:
            _write(fd, data[: self._chance.randint(0, len(data) - 1)])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._faults.short_writes and len(data) > 1:
            data = data[: self._chance.randint(1, len(data))]
        self._trace(("write %r", bytes(data)))
        return _write(fd, data)

    def sync(self, fd: int, /) -> None:
        if (name := self._files.get(fd)) is None:
            return
        self._check_alive()
        self._syncs += 1
        if self._syncs == self._faults.kill_at_sync:
            self._die()
        if self._syncs == self._faults.failing_sync:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._durable[name] = os.fstat(fd).st_size
        self._trace(("sync %s", self._durable[name]))
        if self._syncs == self._faults.kill_after_sync:
            self._die()

    def truncate(self, fd: int, length: int, /) -> None:
        if (name := self._files.get(fd)) is not None:
            self._check_alive()
            self._durable[name] = min(self._durable[name], length)
        _ftruncate(fd, length)

    def replace(self, source: Any, target: Any, **options: Any) -> None:
        """Renaming is atomic, and durable at once."""
        if (name := os.fspath(source)).startswith(self._folder):
            self._check_alive()
            self._durable[os.fspath(target)] = self._durable.pop(name)
        _replace(source, target, **options)

    def _die(self) -> None:
        self._kill()
        raise Killed

    def _check_alive(self) -> None:
        if self._is_severed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))


DISK = Disk()
"""There is one, as there is one ``os`` module."""


def install() -> None:
    """Put it under this process."""
    os.open, os.close, os.write = DISK.open, DISK.close, DISK.write
    os.fsync = os.fdatasync = DISK.sync  # type: ignore[assignment]  # of numbers, not of objects with one
    os.ftruncate, os.replace = DISK.truncate, DISK.replace  # type: ignore[assignment]  # the same for paths
