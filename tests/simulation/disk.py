"""A simulated disk under the ledger: a real file, whose unsynced tail a power cut loses or tears."""

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrun.ledger import file, writer
from tests.simulation.determinism import Overlay

__all__ = ["Disk", "DiskFaults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFaults:
    """What happens at the disk in one session; operations count from 1, 0 is never."""

    kill_at_write: int = 0
    kill_at_sync: int = 0
    kill_after_sync: int = 0
    full_at_write: int = 0
    failing_sync: int = 0
    short_writes: bool = False


class Disk:
    """The one file of a history. ``kill`` ends the process at once; whatever it still runs reaches neither disk nor net."""

    def __init__(self, path: Path, kill: Callable[[], None], trace: Callable[[str], None]) -> None:
        self.path = path
        self._kill = kill
        self._trace = trace
        self._faults = DiskFaults()
        self._chance = random.Random(0)
        self._writes = self._syncs = 0
        self.is_severed = False
        self._durable = 0

    def install(self) -> None:
        """Put it under the ledger."""
        writer.os = Overlay(os, write=self._write)  # type: ignore[attr-defined]
        writer.sync_file = self._sync  # type: ignore[attr-defined]
        file.os = Overlay(os, fsync=self._sync)  # type: ignore[attr-defined]

    def start_process(self, faults: DiskFaults, chance: random.Random) -> None:
        self._faults, self._chance = faults, chance
        self._writes = self._syncs = 0
        self.is_severed = False

    def sever(self) -> None:
        self.is_severed = True

    def cut_power(self) -> None:
        """Lose all or a part of what was written and not synced."""
        if not self.path.exists():
            return
        size = self.path.stat().st_size
        if size > self._durable:
            os.truncate(self.path, self._chance.randint(self._durable, size))

    def read(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""

    def replace(self, content: bytes) -> None:
        """Put another ledger in its place, as restoring a backup does."""
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(content)
        self._durable = len(content)

    def _write(self, fd: int, data: Any) -> int:
        self._check()
        self._writes += 1
        if self._writes == self._faults.kill_at_write:
            os.write(fd, data[: self._chance.randint(0, len(data))])
            self._die()
        if self._writes == self._faults.full_at_write:
            os.write(fd, data[: self._chance.randint(0, len(data) - 1)])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._faults.short_writes and len(data) > 1:
            data = data[: self._chance.randint(1, len(data))]
        self._trace(f"write {len(data)}")
        return os.write(fd, data)

    def _sync(self, fd: int) -> None:
        self._check()
        self._syncs += 1
        if self._syncs == self._faults.kill_at_sync:
            self._die()
        if self._syncs == self._faults.failing_sync:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._durable = os.fstat(fd).st_size
        self._trace(f"sync {self._durable}")
        if self._syncs == self._faults.kill_after_sync:
            self._die()

    def _die(self) -> None:
        self._kill()
        self._check()

    def _check(self) -> None:
        if self.is_severed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
