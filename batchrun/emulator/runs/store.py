"""The runs that the emulator holds: committing, finding, cancelling."""

from base64 import b32encode
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from batchrun.emulator.runs.lifecycle import HeldRun, life_of
from batchrun.emulator.runs.slots import Slots
from batchrun.emulator.settings import EmulatorSettings

__all__ = ["RunPersistence", "RunStore"]


class RunPersistence(Protocol):
    """Keeps what the store holds beyond the process."""

    def created(self, run: HeldRun) -> None: ...
    def cancelled(self, run: HeldRun, delay_s: float) -> None: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...


class RunStore:
    """Every created run, in the order of creation. Moments are epoch seconds and never go back."""

    def __init__(self, settings: EmulatorSettings, keeper: RunPersistence | None = None) -> None:
        self.settings = settings
        self.active_runs = 0
        self.active_runs_peak = 0
        self._persistence = keeper
        self._runs: list[HeldRun] = []
        self._by_id: dict[str, HeldRun] = {}
        self._by_name: dict[str, list[HeldRun]] = defaultdict(list)
        self._slots: dict[str, Slots] = {}
        self._latest = 0.0

    @property
    def runs(self) -> Sequence[HeldRun]:
        """All of them, oldest first."""
        return self._runs

    def named(self, name: str) -> Sequence[HeldRun]:
        """The runs of exactly this name, oldest first."""
        return self._by_name.get(name, ())

    def get(self, run_id: str) -> HeldRun | None:
        return self._by_id.get(run_id)

    def commit(self, *, name: str, region: str, runtime: str, timeout_s: int, payload: bytes, now: float) -> HeldRun:
        """Create a run."""
        number = len(self._runs) + 1
        self._latest = now = max(now, self._latest)
        run = HeldRun(
            number=number,
            id=_run_id(self.settings.seed, number),
            name=name,
            region=region,
            runtime=runtime,
            timeout_s=timeout_s,
            payload=payload,
            created_at=now,
            life=life_of(self.settings, number, timeout_s),
        )
        if self._persistence is not None:
            self._persistence.created(run)
        self.hold(run)
        return run

    def hold(self, run: HeldRun) -> None:
        """Take in a run that has its life already."""
        self._runs.append(run)
        self._by_id[run.id] = run
        self._by_name[run.name].append(run)
        self._latest = max(self._latest, run.created_at)
        self.advance(run.created_at)
        self._slots_of(run.region).enter(run)
        self.active_runs += 1
        self.active_runs_peak = max(self.active_runs_peak, self.active_runs)

    def cancel(self, run: HeldRun, now: float) -> None:
        """Ask for a run's end; nothing happens if it has ended."""
        self.advance(now)
        delay_s = self.settings.cancel_delay_s
        if self._slots_of(run.region).cancel(run, now, delay_s) and self._persistence is not None:
            self._persistence.cancelled(run, delay_s)

    def cancel_again(self, run: HeldRun, at: float, delay_s: float) -> None:
        """Repeat a cancellation of an earlier session."""
        self.advance(at)
        self._slots_of(run.region).cancel(run, at, delay_s)

    def advance(self, now: float) -> None:
        """Let runs start and end up to ``now``."""
        for slots in self._slots.values():
            self.active_runs -= slots.advance(now)

    def change(self, settings: EmulatorSettings, now: float) -> None:
        """Go on with other settings; lives already given stay as they are."""
        self.advance(now)
        self.settings = settings
        for slots in self._slots.values():
            slots.resize(settings.capacity_runs, now)

    def clear(self) -> None:
        """Forget every run."""
        if self._persistence is not None:
            self._persistence.forget()
        self._runs.clear()
        self._by_id.clear()
        self._by_name.clear()
        self._slots.clear()
        self.active_runs = self.active_runs_peak = 0

    def close(self) -> None:
        """Close what keeps the runs."""
        if self._persistence is not None:
            self._persistence.close()

    def _slots_of(self, region: str) -> Slots:
        if region not in self._slots:
            self._slots[region] = Slots(self.settings.capacity_runs)
        return self._slots[region]


def _run_id(seed: int, number: int) -> str:
    digest = blake2b(f"run:{seed}:{number}".encode(), digest_size=10).digest()
    return b32encode(digest).decode().lower()[:14]
