"""A run's life as a function of time and seed. Pure: whoever asks says what time it is."""

from dataclasses import dataclass

from batchrun.emulator.chance import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["HeldRun", "Life", "life_of"]


@dataclass(frozen=True, slots=True)
class Life:
    """What a run will do once it may: seconds of wall clock, and how it ends if nobody cancels it."""

    startup_s: float
    run_s: float
    ending: RunStatus


@dataclass(slots=True, kw_only=True)
class HeldRun:
    """A created run. Moments are epoch seconds; ``started_at`` and ``ended_at`` may lie ahead."""

    number: int
    id: str
    name: str
    region: str
    runtime: str
    timeout_s: int
    payload: bytes
    created_at: float
    life: Life
    started_at: float | None = None
    ended_at: float | None = None
    cancelled_at: float | None = None

    def status_at(self, now: float) -> RunStatus:
        if self.ended_at is not None and now >= self.ended_at:
            return RunStatus.CANCELLED if self.cancelled_at is not None else self.life.ending
        if self.started_at is not None and now >= self.started_at:
            return RunStatus.RUNNING
        return RunStatus.PENDING

    def changed_at(self, now: float) -> float:
        """When its status last changed."""
        moments = (self.created_at, self.started_at, self.ended_at)
        return max(moment for moment in moments if moment is not None and moment <= max(now, self.created_at))


def life_of(settings: EmulatorSettings, number: int, timeout_s: int) -> Life:
    """The life that the settings and the seed give to run ``number``, already sped up."""
    run_s = settings.run_s
    if settings.run_spread:
        run_s *= 1 + settings.run_spread * (2 * uniform(settings.seed, "run_s", number) - 1)
    ending = RunStatus.COMPLETED
    if settings.failure_rate and uniform(settings.seed, "failure", number) < settings.failure_rate:
        ending = RunStatus.FAILED
    if run_s > max(0, timeout_s):
        run_s, ending = float(max(0, timeout_s)), RunStatus.TIMED_OUT
    return Life(settings.startup_s / settings.speed, run_s / settings.speed, ending)
