"""Runs and files in a SQLite file, so that they survive the emulator."""

import fcntl
import os
import sqlite3
import stat
from collections import deque
from contextlib import closing
from pathlib import Path

import msgspec

from batchrun.emulator.runs.files import Place, StoredFile
from batchrun.emulator.runs.lifecycle import Lifecycle, StoredRun
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import DEFAULT_ORGANIZATION, EmulatorSettings
from batchrun.errors import UsageError

__all__ = ["StateFile", "StateInUseError", "open_state"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Lifecycle).decode

FORMAT = 3
# timeout_s is text: the contract allows integers of any size, SQLite only 64 bits.
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, runtime TEXT NOT NULL,
  timeout_s TEXT NOT NULL, payload BLOB NOT NULL, created_at REAL NOT NULL,
  organization TEXT NOT NULL, lifecycle TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cancels (number INTEGER PRIMARY KEY, at REAL NOT NULL, delay_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  organization TEXT NOT NULL, region TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  modified_at REAL NOT NULL, PRIMARY KEY (organization, region, path));
CREATE TABLE IF NOT EXISTS server (url TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deletions (number INTEGER PRIMARY KEY, at REAL NOT NULL);
"""
_ENDINGS = """
SELECT at, number, delay_s FROM cancels UNION ALL SELECT at, number, NULL FROM deletions ORDER BY at, number
"""
# Format 1 knew neither organizations nor deletions.
_ADD_ORGANIZATION = f"ALTER TABLE runs ADD COLUMN organization TEXT NOT NULL DEFAULT '{DEFAULT_ORGANIZATION}';"
# Format 2 had columns for what was then the whole lifecycle.
_ADD_LIFECYCLE = """
ALTER TABLE runs ADD COLUMN lifecycle TEXT NOT NULL DEFAULT '';
UPDATE runs SET lifecycle = json_object('startup_s', startup_s, 'run_s', run_s, 'final_status', ending);
ALTER TABLE runs DROP COLUMN startup_s;
ALTER TABLE runs DROP COLUMN run_s;
ALTER TABLE runs DROP COLUMN ending;
"""
_COLUMNS = "number, id, name, region, runtime, timeout_s, payload, created_at, organization, lifecycle"
_RUNS = f"SELECT {_COLUMNS} FROM runs ORDER BY number"  # noqa: S608 - our own column names
_INSERT = f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - as above
_FIX = "pass the state file of an earlier emulator, or a new name"


class StateInUseError(UsageError):
    """Another emulator has the file; ``url`` is where it serves its runs, or None if it has not said so."""

    def __init__(self, path: Path, url: str | None) -> None:
        place = f" at {url}" if url else ""
        super().__init__(
            str(path), f"another emulator{place} keeps its runs there", "use that one, or pass another file"
        )
        self.url = url


class StateFile:
    """The tables. A write survives the death of this process; a power cut may lose the most recent ones.

    One emulator at a time: two would give their runs the same numbers.
    """

    def __init__(self, path: Path) -> None:
        self._lock: int | None = _locked(path)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Read first: it also fails for files that are not databases, before anything is written to them.
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= FORMAT:
            raise sqlite3.DatabaseError(f"it has format {version}, not {FORMAT}")
        # With WAL, NORMAL syncs only at checkpoints: a commit survives a killed process, and costs no fsync per run.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._upgrade(version)

    def _upgrade(self, version: int) -> None:
        """Bring the tables to this format, or create them: all of it, or nothing if the process dies."""
        steps = [_ADD_ORGANIZATION] if version == 1 else []
        steps += [_ADD_LIFECYCLE] if version in {1, 2} else []
        script = "".join((*steps, _TABLES, f"PRAGMA user_version={FORMAT};"))
        self._database.executescript(f"BEGIN; {script} COMMIT;")

    def created(self, run: StoredRun) -> None:
        self._database.execute(
            _INSERT,
            (
                *(run.number, run.id, run.name, run.region, run.runtime, str(run.timeout_s), run.payload),
                *(run.created_at, run.organization, _encode(run.lifecycle).decode()),
            ),
        )

    def cancelled(self, run: StoredRun, delay_s: float) -> None:
        self._database.execute("INSERT INTO cancels VALUES (?, ?, ?)", (run.number, run.cancelled_at, delay_s))

    def deleted(self, run: StoredRun) -> None:
        self._database.execute("INSERT INTO deletions VALUES (?, ?)", (run.number, run.deleted_at))

    def stored(self, file: StoredFile) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(file.place.organization, file.place.region, file.place.path),
                *(file.size, file.sha256, file.modified_at),
            ),
        )

    def removed(self, place: Place) -> None:
        where = (place.organization, place.region, place.path)
        self._database.execute("DELETE FROM files WHERE organization = ? AND region = ? AND path = ?", where)

    def clear(self) -> None:
        for table in ("runs", "cancels", "deletions", "files"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names

    def serving(self, url: str) -> None:
        """Note where the runs are served, for others that find the file in use."""
        self._database.execute("DELETE FROM server")
        self._database.execute("INSERT INTO server VALUES (?)", (url,))

    def close(self) -> None:
        """Close the file; closing it again does nothing."""
        self._database.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)  # after the database, which would lose its own locks on the file otherwise

    def replay(self, store: RunStore) -> None:
        """Replay all changes in their original order, so that runs get the same slots and times again."""
        endings = deque(self._database.execute(_ENDINGS).fetchall())
        for row in self._database.execute(_RUNS):
            run = _run(row)
            while endings and endings[0][0] < run.created_at:
                _end(store, *endings.popleft())
            store.add(run)
        for ending in endings:
            _end(store, *ending)
        for organization, region, path, size, digest, modified_at in self._database.execute("SELECT * FROM files"):
            place = Place(organization, region, path)
            store.files.add(StoredFile(place=place, size=size, sha256=digest, modified_at=modified_at))


def open_state(path: Path, settings: EmulatorSettings) -> RunStore:
    """A store with the runs in the file; new ones are written to it.

    Raises:
        StateInUseError: another emulator uses it.
        UsageError: the file cannot be opened, or is not an emulator's state.

    """
    try:
        state = StateFile(path)
        store = RunStore(settings, state)
        state.replay(store)
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise UsageError(str(path), f"cannot be used as the emulator's state: {error}", _FIX) from None
    return store


def _locked(path: Path) -> int:
    """A descriptor that holds the file for as long as it is open, or this process lives.

    Raises:
        StateInUseError: another emulator holds it.
        UsageError: it cannot be opened, or is not a regular file.

    """
    try:
        # 0600, as ledgers have: payloads are in both. O_NONBLOCK: opening a pipe must not wait for its other end.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise UsageError(str(path), f"cannot be used as the emulator's state: {error.strerror}", _FIX) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(str(path), "cannot be used as the emulator's state: it is not a regular file", _FIX)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StateInUseError(path, _served_at(path)) from None
    return descriptor


def _served_at(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT url FROM server").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def _end(store: RunStore, at: float, number: int, delay_s: float | None) -> None:
    run = store.runs[number - 1]
    if delay_s is None:
        store.replay_delete(run, at)
    else:
        store.replay_cancel(run, at, delay_s)


def _run(row: tuple[int, str, str, str, str, str, bytes, float, str, str]) -> StoredRun:
    number, run_id, name, region, runtime, timeout_s, payload, created_at, owner, lifecycle = row
    return StoredRun(
        number=number,
        id=run_id,
        name=name,
        organization=owner,
        region=region,
        runtime=runtime,
        timeout_s=int(timeout_s),
        payload=payload,
        created_at=created_at,
        lifecycle=_decode(lifecycle),
    )
