"""A run's lifecycle as a function of time and seed. Pure: the caller passes the time."""

from dataclasses import dataclass

from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["Lifecycle", "StoredRun", "lifecycle_of"]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Durations in wall-clock seconds, and the final status unless the run is cancelled."""

    startup_s: float
    run_s: float
    final_status: RunStatus


@dataclass(slots=True, kw_only=True)
class StoredRun:
    """A created run. Times are epoch seconds; ``started_at`` and ``ended_at`` may lie in the future."""

    number: int
    id: str
    name: str
    organization: str
    region: str
    runtime: str
    timeout_s: int
    payload: bytes
    created_at: float
    lifecycle: Lifecycle
    started_at: float | None = None
    ended_at: float | None = None
    cancelled_at: float | None = None
    deleted_at: float | None = None

    def status_at(self, now: float) -> RunStatus:
        if self.ended_at is not None and now >= self.ended_at:
            return RunStatus.CANCELLED if self.cancelled_at is not None else self.lifecycle.final_status
        if self.started_at is not None and now >= self.started_at:
            return RunStatus.RUNNING
        return RunStatus.PENDING

    def changed_at(self, now: float) -> float:
        """When its status last changed."""
        times = (self.created_at, self.started_at, self.ended_at)
        return max(time for time in times if time is not None and time <= max(now, self.created_at))


def lifecycle_of(settings: EmulatorSettings, number: int, timeout_s: int) -> Lifecycle:
    """The lifecycle of run ``number``, with ``speed`` applied."""
    run_s = settings.run_s
    if settings.run_spread:
        run_s *= 1 + settings.run_spread * (2 * uniform(settings.seed, "run_s", number) - 1)
    final_status = RunStatus.COMPLETED
    if settings.failure_rate and uniform(settings.seed, "failure", number) < settings.failure_rate:
        final_status = RunStatus.FAILED
    if run_s > max(0, timeout_s):
        run_s, final_status = float(max(0, timeout_s)), RunStatus.TIMED_OUT
    return Lifecycle(settings.startup_s / settings.speed, run_s / settings.speed, final_status)
