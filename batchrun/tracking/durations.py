"""How long this batch's runs take, and an estimate of the time left. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from batchrun.tracking.changes import Followed

__all__ = ["Durations"]


@dataclass(slots=True)
class _Mean:
    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.seconds += (seconds - self.seconds) / self.count


@dataclass(slots=True)
class Durations:
    """Mean working time of the runs that ended, from start to end, by runtime."""

    by_runtime: dict[str | None, _Mean] = field(default_factory=dict)
    all: _Mean = field(default_factory=_Mean)

    def learn(self, runtime: str | None, ran_s: float) -> None:
        """A run with this runtime worked for so long; None is a runtime that is not known."""
        self.by_runtime.setdefault(runtime, _Mean()).add(ran_s)
        self.all.add(ran_s)

    def usual_s(self, runtime: str | None) -> float | None:
        """Of this runtime, or of all where none of it has ended yet; None if no run has."""
        mean = self.by_runtime.get(runtime) if runtime is not None else None
        mean = mean if mean is not None else self.all
        return mean.seconds if mean.count else None

    def left_s(self, active: Iterable[Followed], *, to_create: int, now_s: float, at_once: int) -> float | None:
        """Seconds until everything has ended; None while that cannot be estimated.

        The work that is left, divided by how many runs work ``at_once``; but not less than the longest of those that work
        now still need. ``to_create`` more runs are to come, of unknown runtimes. ``now_s`` is epoch seconds by the
        service's clock.
        """
        if not self.all.count:
            return None
        work_s, longest_s = to_create * self.all.seconds, 0.0
        for run in active:
            usual_s = self.usual_s(run.runtime) or 0.0
            # A run that takes longer than usual may end at any time: another tenth of the usual time is as good an
            # estimate as any.
            rest_s = usual_s if run.started_s is None else max(usual_s - (now_s - run.started_s), usual_s / 10)
            work_s += rest_s
            longest_s = max(longest_s, rest_s)
        return max(work_s / max(at_once, 1), longest_s)
