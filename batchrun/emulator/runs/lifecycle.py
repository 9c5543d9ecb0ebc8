"""A run's lifecycle as a function of time and seed. Pure: the caller passes the time."""

from dataclasses import dataclass

from batchrun.emulator.run_rules import RunTraits
from batchrun.emulator.runs.failures import Failure, failure_of
from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["Lifecycle", "StoredRun", "lifecycle_of"]

# Statuses that the service might add one day.
_ODD_STATUSES = ("QUEUED", "RESTARTING", "SUSPENDED")


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Durations in wall-clock seconds, and the final status unless the run is cancelled."""

    startup_s: float
    run_s: float
    final_status: RunStatus
    failure: Failure | None = None
    detour: str | None = None  # the status that it shows in the middle third of its run
    gone_s: float | None = None  # how long after its creation the service forgets it


@dataclass(slots=True, kw_only=True)
class StoredRun:
    """A created run. Times are epoch seconds; those of its start, end and deletion may lie in the future."""

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
        """The true status."""
        if self.ended_at is not None and now >= self.ended_at:
            return RunStatus.CANCELLED if self.cancelled_at is not None else self.lifecycle.final_status
        if self.started_at is not None and now >= self.started_at:
            return RunStatus.RUNNING
        return RunStatus.PENDING

    def shown_at(self, now: float, *, timeout_as_failed: bool = False) -> RunStatus:
        """The status that the API shows, which may be another one for a while."""
        status = self.status_at(now)
        if status is RunStatus.TIMED_OUT and timeout_as_failed:
            return RunStatus.FAILED
        if status is RunStatus.RUNNING and self.lifecycle.detour is not None and self.started_at is not None:
            third = self.lifecycle.run_s / 3
            if third <= now - self.started_at < 2 * third:
                return RunStatus(self.lifecycle.detour)
        return status

    def is_deleted_at(self, now: float) -> bool:
        return self.deleted_at is not None and self.deleted_at <= now

    def changed_at(self, now: float) -> float:
        """When its status last changed."""
        times = (self.created_at, self.started_at, self.ended_at)
        return max(time for time in times if time is not None and time <= max(now, self.created_at))


def lifecycle_of(settings: EmulatorSettings, number: int, timeout_s: int, run: RunTraits | None = None) -> Lifecycle:
    """The lifecycle of run ``number``, with ``speed`` applied."""
    run = run or RunTraits()
    startup_s, run_s = _durations(settings, number, run)
    failure = failure_of(settings, number, run)
    if failure is not None:
        run_s *= failure.after
    final_status = RunStatus.COMPLETED if failure is None else failure.status
    if run_s > max(0, timeout_s):
        run_s, final_status, failure = float(max(0, timeout_s)), RunStatus.TIMED_OUT, None
    elif failure is None and _is_among(settings.timed_out_rate, settings.seed, "timed_out", number):
        final_status = RunStatus.TIMED_OUT
    is_gone = _is_among(settings.gone_rate, settings.seed, "gone", number)
    return Lifecycle(
        startup_s / settings.speed,
        run_s / settings.speed,
        final_status,
        failure,
        _detour(settings, number),
        settings.gone_after_s / settings.speed if is_gone else None,
    )


def _durations(settings: EmulatorSettings, number: int, run: RunTraits) -> tuple[float, float]:
    """Seconds of starting up and of running."""
    startup_s, run_s = settings.startup_s, settings.run_s
    for rule in settings.durations:
        if rule.matches(run):
            startup_s = startup_s if rule.startup_s is None else rule.startup_s
            run_s = (run_s if rule.run_s is None else rule.run_s) * rule.factor
    if settings.run_spread:
        run_s *= 1 + settings.run_spread * (2 * uniform(settings.seed, "run_s", number) - 1)
    return startup_s, run_s


def _detour(settings: EmulatorSettings, number: int) -> str | None:
    if _is_among(settings.odd_status_rate, settings.seed, "odd_status", number):
        return _ODD_STATUSES[int(uniform(settings.seed, "which_odd_status", number) * len(_ODD_STATUSES))]
    return RunStatus.PENDING.value if _is_among(settings.relapse_rate, settings.seed, "relapse", number) else None


def _is_among(share: float, seed: int, purpose: str, number: int) -> bool:
    return bool(share) and uniform(seed, purpose, number) < share
