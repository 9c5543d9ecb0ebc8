"""Progress of a batch, as frozen snapshots for an observer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

from batchrun.errors import Problem
from batchrun.ledger.state import Outcome
from batchrun.uploads.progress import UploadProgress

__all__ = ["NO_OBSERVER", "Observer", "OutcomeCounts", "Progress", "Reporter", "detached", "outcome_counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The batch at one moment. The outcomes add up to ``planned``."""

    planned: int
    submitted: int = 0
    rejected: int = 0
    failed: int = 0
    unknown: int = 0
    dropped: int = 0
    """Runs that were dropped: a person decided not to send them."""
    pending: int = 0
    """Not yet created, including runs in flight and runs waiting for another attempt."""
    in_flight: int = 0
    waiting: int = 0
    """Runs waiting for another attempt after a refusal or a lost response."""
    attempts: int = 0
    """Attempts of this session: one ``POST /runs`` each."""
    retries: int = 0
    """Attempts of this session other than each run's first."""
    settled: int = 0
    """Attempts of this session whose response was lost and whose run was found by listing."""
    active: int | None = None
    """Unfinished runs of this batch at the service; None while they are not followed."""
    active_limit: int | None = None
    """The maximum number of unfinished runs, if a limit is set or was found."""
    run_status: Mapping[str, int] = field(default_factory=dict)
    """Created runs of this batch by their latest status at the service, including ended ones, while runs are followed."""
    rate_per_s: float = 0.0
    """Runs submitted per second, over the last ten seconds."""
    limit_per_s: float | None = None
    """Attempts per second that pacing allows now; None without a bound."""
    pace: str = ""
    """What pacing is doing, in a few words: ``fixed rate``, ``finding the limit``, …"""
    pause_s: float | None = None
    """Seconds until a pause that holds every worker ends; None without one."""
    pause_reason: str = ""
    """Why attempts are paused; empty without a pause."""
    elapsed_s: float = 0.0
    """Seconds since this session began."""
    uploads: UploadProgress | None = None
    """Local files on their way to storage; None once runs are being submitted."""
    left_s: float | None = None
    """Seconds until the rest is submitted at the current rate; None if that cannot be estimated."""


class OutcomeCounts(TypedDict):
    """The outcomes of a batch as fields of its progress."""

    submitted: int
    rejected: int
    failed: int
    unknown: int
    dropped: int
    pending: int


def outcome_counts(count: Callable[[Outcome], int]) -> OutcomeCounts:
    """Every outcome with its count."""
    return OutcomeCounts(
        submitted=count(Outcome.SUBMITTED),
        rejected=count(Outcome.REJECTED),
        failed=count(Outcome.FAILED),
        unknown=count(Outcome.UNKNOWN),
        dropped=count(Outcome.DROPPED),
        pending=count(Outcome.PENDING),
    )


class Observer(Protocol):
    """Receives a batch's progress. Called on the event loop, so it must not block.

    An observer that raises is reported once and detached.
    """

    def progress(self, progress: Progress) -> None:
        """Called with the current progress about ten times per second, and once at the end."""

    def note(self, note: Problem) -> None:
        """Called with a problem that is worth knowing but does not stop the batch."""


class _NoObserver:
    def progress(self, progress: Progress) -> None:
        pass

    def note(self, note: Problem) -> None:
        pass


NO_OBSERVER: Observer = _NoObserver()


SHOWN_ALIKE = 3
"""How many notes of one kind about single runs are passed on; the others are counted, and summed up in one."""


class Reporter:
    """Passes progress and notes to an observer, and keeps the notes for the summary.

    An observer is somebody else's code: if it raises, that becomes a note, and it is not called again.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.notes: list[Problem] = []
        self._alike: dict[Problem, int] = {}
        """Number of notes of each kind."""

    def progress(self, progress: Progress) -> None:
        try:
            self._observer.progress(progress)
        except Exception as error:  # noqa: BLE001 - see the class
            self._detach(error)

    def note(self, note: Problem) -> None:
        """Report a problem now, and again in the summary."""
        # Kept before it is passed on: an observer that raises must not lose it.
        self.notes.append(note)
        try:
            self._observer.note(note)
        except Exception as error:  # noqa: BLE001 - see the class
            self._detach(error)

    def note_run(self, note: Problem, *, kind: str, fix: str) -> None:
        """Report a problem of one run; ``kind`` and ``fix`` say the same of many runs."""
        summary = Problem("", kind, fix)
        self._alike[summary] = count = self._alike.get(summary, 0) + 1
        if count <= SHOWN_ALIKE:
            self.note(note)

    def sum_up(self) -> tuple[Problem, ...]:
        """All notes, once complete: a problem that many runs share becomes one note with the number of those not shown."""
        for summary, count in self._alike.items():
            if count > SHOWN_ALIKE:
                more = count - SHOWN_ALIKE
                runs = "1 more run" if more == 1 else f"{more:,} more runs"
                self.note(Problem(runs, summary.fact, summary.fix))
        # Emptied: a second call must not report the same runs again.
        self._alike = {}
        return tuple(self.notes)

    def _detach(self, error: Exception) -> None:
        self._observer = NO_OBSERVER
        self.notes.append(detached("observer", error))


def detached(callback: str, error: Exception) -> Problem:
    """The note about a caller's function that raised."""
    fact = f"it raised {type(error).__name__}: {error}"
    return Problem(callback, fact, "it was detached; the batch continues without it")
