"""The emulator's runs: creating, finding, cancelling."""

from base64 import b32encode
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from batchrun.emulator.run_rules import RunTraits
from batchrun.emulator.runs.files import FilePersistence, FileStore
from batchrun.emulator.runs.lifecycle import StoredRun, lifecycle_of
from batchrun.emulator.runs.slots import Slots
from batchrun.emulator.settings import DEFAULT_ORGANIZATION, EmulatorSettings

__all__ = ["RunPersistence", "RunStore"]


class RunPersistence(FilePersistence, Protocol):
    """Where runs and files are kept beyond the process."""

    def created(self, run: StoredRun) -> None: ...
    def cancelled(self, run: StoredRun, delay_s: float) -> None: ...
    def deleted(self, run: StoredRun) -> None: ...
    def serving(self, url: str) -> None: ...
    def clear(self) -> None: ...
    def close(self) -> None: ...


class RunStore:
    """Every created run, in order of creation. Times are epoch seconds and never go backwards."""

    def __init__(self, settings: EmulatorSettings, persistence: RunPersistence | None = None) -> None:
        self.settings = settings
        self.active_runs = 0
        self.active_runs_peak = 0
        self.files = FileStore(persistence)
        self._persistence = persistence
        self._runs: list[StoredRun] = []
        self._by_id: dict[str, StoredRun] = {}
        self._by_name: dict[str, list[StoredRun]] = defaultdict(list)
        self._unfinished: dict[int, StoredRun] = {}  # by number; may hold runs that have ended since it was asked for
        self._slots: dict[tuple[str, str], Slots] = {}  # by organization and region
        self._organizations: set[str] = set()
        self._has_deleted = False
        self._latest = 0.0

    @property
    def runs(self) -> Sequence[StoredRun]:
        """All runs, oldest first."""
        return self._runs

    def named(self, name: str) -> Sequence[StoredRun]:
        """The runs with exactly this name, oldest first."""
        return self._by_name.get(name, ())

    def unfinished(self, now: float) -> Sequence[StoredRun]:
        """The runs that have not ended, oldest first: few, however long the list of all runs has become."""
        for run in [run for run in self._unfinished.values() if run.ended_at is not None and run.ended_at <= now]:
            del self._unfinished[run.number]
        return tuple(self._unfinished.values())

    def get(self, run_id: str) -> StoredRun | None:
        return self._by_id.get(run_id)

    def is_uniform(self, organization: str | None) -> bool:
        """Whether every run is visible to ``organization``, so that no list has to look at each of them."""
        return not self._has_deleted and (organization is None or self._organizations <= {organization})

    def active_runs_of(self, organization: str) -> int:
        return sum(slots.active_runs for (owner, _), slots in self._slots.items() if owner == organization)

    def commit(
        self,
        *,
        name: str,
        region: str,
        runtime: str,
        timeout_s: int,
        payload: bytes,
        now: float,
        organization: str = DEFAULT_ORGANIZATION,
        args: Sequence[str] = (),
    ) -> StoredRun:
        """Create a run; ``args`` are those of its script, which rules look at."""
        number = len(self._runs) + 1
        self._latest = now = max(now, self._latest)  # lists are searched by bisection, so times must be monotonic
        run = StoredRun(
            number=number,
            id=_run_id(self.settings.seed, number),
            name=name,
            organization=organization,
            region=region,
            runtime=runtime,
            timeout_s=timeout_s,
            payload=payload,
            created_at=now,
            lifecycle=lifecycle_of(
                self.settings, number, timeout_s, RunTraits(runtime=runtime, region=region, args=args)
            ),
        )
        if self._persistence is not None:
            self._persistence.created(run)
        self.add(run)
        return run

    def add(self, run: StoredRun) -> None:
        """Add a run that already has its lifecycle."""
        self._runs.append(run)
        self._by_id[run.id] = run
        self._by_name[run.name].append(run)
        self._unfinished[run.number] = run
        self._organizations.add(run.organization)
        self._latest = max(self._latest, run.created_at)
        if run.lifecycle.gone_s is not None:
            run.deleted_at, self._has_deleted = run.created_at + run.lifecycle.gone_s, True
        self.advance(run.created_at)
        self._slots_of(run).add(run)
        self.active_runs += 1
        self.active_runs_peak = max(self.active_runs_peak, self.active_runs)

    def cancel(self, run: StoredRun, now: float) -> None:
        """Cancel a run; a run that has ended stays as it is."""
        self.advance(now)
        delay_s = self.settings.cancel_delay_s
        if self._slots_of(run).cancel(run, now, delay_s) and self._persistence is not None:
            self._persistence.cancelled(run, delay_s)

    def replay_cancel(self, run: StoredRun, at: float, delay_s: float) -> None:
        """Repeat a cancellation from an earlier session."""
        self.advance(at)
        self._slots_of(run).cancel(run, at, delay_s)

    def delete(self, run: StoredRun, now: float) -> None:
        """Delete a run without the client's knowledge. If active, it ends at once; it stays in ``runs``."""
        self.replay_delete(run, now)
        if self._persistence is not None:
            self._persistence.deleted(run)

    def replay_delete(self, run: StoredRun, at: float) -> None:
        """Repeat a deletion from an earlier session."""
        self.advance(at)
        self._slots_of(run).cancel(run, at, 0.0)
        run.deleted_at = at
        self._has_deleted = True

    def advance(self, now: float) -> None:
        """Let time pass up to ``now``: runs start and end."""
        for slots in self._slots.values():
            self.active_runs -= slots.advance(now)

    def change(self, settings: EmulatorSettings, now: float) -> None:
        """Use other settings from now on; existing runs keep their lifecycle."""
        self.advance(now)
        self.settings = settings
        self._unfinished = {run.number: run for run in self._runs}  # the clock may have been set back
        for slots in self._slots.values():
            slots.resize(_capacity(settings), now)

    def clear(self) -> None:
        """Delete every run and every file."""
        self.files.clear()
        if self._persistence is not None:
            self._persistence.clear()
        self._runs.clear()
        self._by_id.clear()
        self._by_name.clear()
        self._unfinished.clear()
        self._slots.clear()
        self._organizations.clear()
        self._has_deleted = False
        self.active_runs = self.active_runs_peak = 0

    def serve_at(self, url: str) -> None:
        """Note where the runs can be reached, for other processes that would use the same file."""
        if self._persistence is not None:
            self._persistence.serving(url)

    def close(self) -> None:
        """Close the persistence, if there is one."""
        if self._persistence is not None:
            self._persistence.close()

    def _slots_of(self, run: StoredRun) -> Slots:
        key = (run.organization, run.region)
        if key not in self._slots:
            self._slots[key] = Slots(_capacity(self.settings))
        return self._slots[key]


def _capacity(settings: EmulatorSettings) -> int | None:
    return None if settings.capacity_runs is None else max(0, settings.capacity_runs - settings.capacity_held)


def _run_id(seed: int, number: int) -> str:
    digest = blake2b(f"run:{seed}:{number}".encode(), digest_size=10).digest()
    return b32encode(digest).decode().lower()[:14]
