"""What a batch is doing, as frozen snapshots for whoever watches."""

from dataclasses import dataclass
from typing import Protocol

from batchrun.errors import Problem

__all__ = ["NO_OBSERVER", "Observer", "Progress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The batch at one moment. The five outcomes add up to ``planned``."""

    planned: int
    submitted: int = 0
    rejected: int = 0
    failed: int = 0
    unknown: int = 0
    pending: int = 0
    """Includes those in flight and those waiting for another attempt."""
    in_flight: int = 0
    waiting: int = 0
    """Refused or lost earlier, and waiting for another attempt."""
    attempts: int = 0
    """Attempts of this session."""
    retries: int = 0
    """Attempts of this session that were not a run's first."""
    settled: int = 0
    """Lost attempts of this session whose run was found by listing."""
    active: int | None = None
    """Unfinished runs of this batch at the service, where they are watched."""
    rate_per_s: float = 0.0
    """Runs submitted a second, over the last seconds."""
    limit_per_s: float | None = None
    """The rate that pacing allows now."""
    pace: str = ""
    """What pacing is doing, in a few words: a fixed rate, searching, holding."""
    pause_s: float | None = None
    """Seconds until a shared pause ends."""
    pause_reason: str = ""
    elapsed_s: float = 0.0
    """Seconds since this session began."""
    left_s: float | None = None
    """Seconds until the rest is submitted at the present rate; None where that cannot be said."""


class Observer(Protocol):
    """Sees a batch go by. Called on the event loop: be quick."""

    def progress(self, progress: Progress) -> None:
        """The batch now; several times a second, and once at the end."""

    def note(self, note: Problem) -> None:
        """Something that a person should know, and that stops nothing."""


class _NoObserver:
    def progress(self, progress: Progress) -> None:
        pass

    def note(self, note: Problem) -> None:
        pass


NO_OBSERVER: Observer = _NoObserver()
