"""Runs in a SQLite file, so that they survive the emulator."""

import sqlite3
from pathlib import Path

from batchrun.emulator.runs.lifecycle import Lifecycle, StoredRun
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import UsageError
from batchrun.wherobots.views import RunStatus

__all__ = ["StateFile", "open_state"]

FORMAT = 1
# timeout_s is text: the contract allows integers of any size, SQLite only 64 bits.
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, runtime TEXT NOT NULL,
  timeout_s TEXT NOT NULL, payload BLOB NOT NULL, created_at REAL NOT NULL,
  startup_s REAL NOT NULL, run_s REAL NOT NULL, ending TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cancels (number INTEGER PRIMARY KEY, at REAL NOT NULL, delay_s REAL NOT NULL);
"""
_FIX = "give the state file of an earlier emulator, or a new name"


class StateFile:
    """The tables. A write survives the death of this process; a power cut may lose the most recent ones."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Read first: it also fails for files that are not databases, before anything is written to them.
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version not in {0, FORMAT}:
            raise sqlite3.DatabaseError(f"it has format {version}, not {FORMAT}")
        # With WAL, NORMAL syncs only at checkpoints: a commit survives a killed process, and costs no fsync per run.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_TABLES)
        self._database.execute(f"PRAGMA user_version={FORMAT}")

    def created(self, run: StoredRun) -> None:
        self._database.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(run.number, run.id, run.name, run.region, run.runtime, str(run.timeout_s), run.payload),
                *(run.created_at, run.lifecycle.startup_s, run.lifecycle.run_s, run.lifecycle.final_status.value),
            ),
        )

    def cancelled(self, run: StoredRun, delay_s: float) -> None:
        self._database.execute("INSERT INTO cancels VALUES (?, ?, ?)", (run.number, run.cancelled_at, delay_s))

    def clear(self) -> None:
        self._database.execute("DELETE FROM runs")
        self._database.execute("DELETE FROM cancels")

    def close(self) -> None:
        self._database.close()

    def replay(self, store: RunStore) -> None:
        """Replay creations and cancellations in their original order, so that runs get the same slots and times again."""
        cancels = self._database.execute("SELECT number, at, delay_s FROM cancels ORDER BY at, number").fetchall()
        next_cancel = 0
        for row in self._database.execute("SELECT * FROM runs ORDER BY number"):
            run = _run(row)
            while next_cancel < len(cancels) and cancels[next_cancel][1] < run.created_at:
                _cancel(store, *cancels[next_cancel])
                next_cancel += 1
            store.add(run)
        for cancel in cancels[next_cancel:]:
            _cancel(store, *cancel)


def open_state(path: Path, settings: EmulatorSettings) -> RunStore:
    """A store with the runs in the file; new ones are written to it.

    Raises:
        UsageError: the file cannot be opened, or is not an emulator's state.

    """
    try:
        state = StateFile(path)
        store = RunStore(settings, state)
        state.replay(store)
    except sqlite3.Error as error:
        raise UsageError(str(path), f"cannot be used as the emulator's state: {error}", _FIX) from None
    return store


def _cancel(store: RunStore, number: int, at: float, delay_s: float) -> None:
    store.replay_cancel(store.runs[number - 1], at, delay_s)


def _run(row: tuple[int, str, str, str, str, str, bytes, float, float, float, str]) -> StoredRun:
    number, run_id, name, region, runtime, timeout_s, payload, created_at, startup_s, run_s, ending = row
    return StoredRun(
        number=number,
        id=run_id,
        name=name,
        region=region,
        runtime=runtime,
        timeout_s=int(timeout_s),
        payload=payload,
        created_at=created_at,
        lifecycle=Lifecycle(startup_s, run_s, RunStatus(ending)),
    )
