"""The state of a batch: its runs, and the outcome of each."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan, nan
from struct import Struct
from typing import Any

import msgspec

from batchrun.errors import Trouble
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import BatchEvent, CostEvent, SessionEvent

__all__ = ["BatchState", "EarlierRun", "Outcome", "RunState", "Tracked"]


class Outcome(StrEnum):
    """The outcome of a planned run."""

    PENDING = "pending"
    """It does not exist and is still to be sent."""
    SUBMITTED = "submitted"
    """The service created it."""
    REJECTED = "rejected"
    """The service refuses to create it as it is."""
    FAILED = "failed"
    """The attempts are used up, and no run exists."""
    UNKNOWN = "unknown"
    """An attempt may have created it; settling determines whether it did."""
    DROPPED = "dropped"
    """A person decided not to send it."""

    __hash__ = str.__hash__  # Enum's own is a Python function: a tenth of the time that reading a ledger takes


class EarlierRun(msgspec.Struct, frozen=True, gc=False):
    """A run of an earlier generation: what it was before the planned run was rerun."""

    generation: int
    run_id: str
    status: str | None
    tracked: "Tracked | None"


# Structs without the garbage collector: a third less memory a run, made several times faster, and no cycles are possible.
class Tracked(msgspec.Struct, gc=False):
    """What the service reported of a run after it was created. Times are epoch seconds by the service's clock."""

    create_time: str | float | None = None
    """Text as the service wrote it, until it is needed as a number: reading times is the dearest part of a ledger."""
    start_time: str | float | None = None
    complete_time: str | float | None = None
    kube_app_id: str | None = None
    code: str | None = None
    """Why it ended badly: the code of the service's event, and its message."""
    message: str | None = None
    cost: CostEvent | None = None
    """The latest; its ``state`` says whether it may still change."""

    @property
    def created_s(self) -> float | None:
        """None also for a time that cannot be read."""
        return _seconds(self.create_time)

    @property
    def started_s(self) -> float | None:
        return _seconds(self.start_time)

    @property
    def completed_s(self) -> float | None:
        return _seconds(self.complete_time)


def _seconds(time: str | float | None) -> float | None:
    return (epoch_seconds(time) or None) if isinstance(time, str) else time


class _Steered(msgspec.Struct, gc=False):
    """What people decided about a run after it was created. Hardly any run has it, so it has no place in each."""

    generation: int = 1
    overrides: dict[str, Any] | None = None
    earlier: tuple[EarlierRun, ...] = ()
    cancel_requested: bool = False


class RunState(msgspec.Struct, gc=False):
    """One planned run as the ledger knows it. Lean: a ledger may hold a million."""

    outcome: Outcome = Outcome.PENDING
    name: str | None = None
    """The run's name until it has ended: it may have to be looked for, or shown."""
    is_planned: bool = True
    """False: the batch's current plan does not contain it. What is known of it is kept."""
    n: int = 0
    """Attempts so far."""
    since: tuple[str, float] | None = None
    """When the first attempt that may have created it began: ``at`` of its event, and the server's offset in seconds.

    It stays when settling concludes that there is no run, and through every later outcome but ``submitted``: such a run is
    looked for once more before it is sent again.
    """
    since_n: int = 0
    """That attempt's number."""
    open: bool = False
    """True: the latest attempt has no ending yet."""
    unsettled: bool = False
    """True: an attempt ended as unknown, and nothing was concluded about it yet."""
    created: bool = False
    """True: a 2xx was received, but no id could be read from it. Never to be sent again."""
    run_id: str | None = None
    status: str | None = None
    """As the service reported it last; ``gone`` when it no longer knows the run."""
    trouble: Trouble | None = None
    _tracked: Tracked | bytes | None = None
    _steered: _Steered | None = None

    @property
    def since_s(self) -> float | None:
        """``since`` in epoch seconds, not later than by the server's clock."""
        return None if self.since is None else epoch_seconds(self.since[0]) + self.since[1]

    @property
    def generation(self) -> int:
        """1 for the first creation, 2 for the first rerun; everything above is about this generation."""
        return self._steered.generation if self._steered is not None else 1

    @property
    def overrides(self) -> dict[str, Any] | None:
        """The ``[run]`` settings that this generation replaces."""
        return self._steered.overrides if self._steered is not None else None

    @property
    def earlier(self) -> tuple[EarlierRun, ...]:
        """Runs of earlier generations, oldest first."""
        return self._steered.earlier if self._steered is not None else ()

    @property
    def cancel_requested(self) -> bool:
        """A person decided to cancel the current run."""
        return self._steered is not None and self._steered.cancel_requested

    def request_cancel(self) -> None:
        """A person decided to cancel the current run."""
        self._steer().cancel_requested = True

    def begin_generation(self, generation: int, overrides: dict[str, Any]) -> None:
        """To be created once more; the run so far becomes an earlier one."""
        steered = self._steer()
        if self.run_id is not None:
            # Something to hold its cost, which may become known later.
            tracked = self.tracked or Tracked()
            steered.earlier += (EarlierRun(steered.generation, self.run_id, self.status, tracked),)
        steered.generation, steered.overrides, steered.cancel_requested = generation, overrides, False

    def _steer(self) -> _Steered:
        if self._steered is None:
            self._steered = _Steered()
        return self._steered

    @property
    def tracked(self) -> Tracked | None:
        """None until the first ``status`` or ``cost`` event; for reading only."""
        packed = self._tracked
        return _unpacked(packed) if isinstance(packed, bytes) else packed

    @tracked.setter
    def tracked(self, tracked: Tracked | None) -> None:
        self._tracked = tracked

    def track(self) -> Tracked:
        """What was tracked, to be changed."""
        tracked = self._tracked
        if not isinstance(tracked, Tracked):
            tracked = self._tracked = Tracked() if tracked is None else _unpacked(tracked)
        return tracked

    def pack(self) -> None:
        """The run has ended: forget its name, and keep what was tracked as a few bytes, if it is no more than times and an id."""
        self.name = None
        tracked = self._tracked
        if isinstance(tracked, Tracked) and tracked.code is None and tracked.message is None and tracked.cost is None:
            self._tracked = _packed(tracked)


_TIMES = Struct("ddd")
"""NaN is a time that is not known."""


def _packed(tracked: Tracked) -> bytes:
    """80 bytes instead of 256, which a million runs that ended well are worth."""
    times = _TIMES.pack(
        _seconds_or_nan(tracked.create_time),
        _seconds_or_nan(tracked.start_time),
        _seconds_or_nan(tracked.complete_time),
    )
    return times + (tracked.kube_app_id or "").encode()


def _seconds_or_nan(time: str | float | None) -> float:
    return nan if (seconds := _seconds(time)) is None else seconds


def _unpacked(packed: bytes) -> Tracked:
    created, started, completed = (None if isnan(time) else time for time in _TIMES.unpack_from(packed))
    kube_app_id = packed[_TIMES.size :].decode() or None
    return Tracked(create_time=created, start_time=started, complete_time=completed, kube_app_id=kube_app_id)


@dataclass(slots=True, kw_only=True)
class BatchState:
    """The state of a batch according to its ledger."""

    batch: BatchEvent | None = None
    runs: dict[str, RunState] = field(default_factory=dict)
    """Every run with an event in the ledger, by key, including runs that left the plan."""
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    """Runs of the current plan with an event in the ledger, by outcome; a pending run may have none."""
    gone: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    """Runs that left the plan, by outcome."""
    left: frozenset[str] = frozenset()
    """The keys of runs that left the plan; of a compacted ledger, the first event about one may follow later."""
    open_attempts: int = 0
    """Attempts that have no ending yet: in flight, or cut off by a crash."""
    attempts: int = 0
    settled: int = 0
    duplicates: dict[str, list[str]] = field(default_factory=dict)
    """Additional runs with the same name at the service, by key."""
    to_check: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Submitted runs that were sent more than once, by key: their names and ``since_s``. An earlier attempt may still commit
    late, so their names are looked for once more."""
    uploads: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Where uploaded files are: the destination by file name, SHA-256 of the content, and region."""
    foreign: set[str] = field(default_factory=set)
    """Ids of runs that a person said belong to another batch."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Attempts refused temporarily, by code or HTTP status."""
    sessions: int = 0
    session: SessionEvent | None = None
    """The latest session event; a start without a stop is running, or was cut off."""
    rate: dict[str, float | None] | None = None
    """The rate that the last session learned."""
    organization: str | None = None
    """The organization that the batch's runs were created in, if the service reveals it."""
    server_offset_s: float = 0.0
    """What to add to our clock for the earliest time at which a run sent now can have been created."""
    is_plan_checked: bool = False
    """A session began since the plan last changed: its planned names were looked for at the service."""
    attempted_at: str | None = None
    """When the last attempt began, or the last run was recorded as created. Later events, such as a session that was refused
    before it sent anything, say nothing about which runs this ledger should know."""
    attempted_offset_s: float = 0.0
    """``server_offset_s`` as it was then: every session has clocks of its own."""
    began_s: float | None = None
    """Epoch seconds by the server's clock: no attempt of this batch created a run before. None before the first session."""
    creation_lag_s: float = 0.0
    """How far the clock that stamps creation times is behind the server's, as far as created runs showed it."""
    first_at: str | None = None
    last_at: str | None = None

    def outcome(self, key: str) -> Outcome:
        run = self.runs.get(key)
        return run.outcome if run is not None else Outcome.PENDING

    @property
    def planned(self) -> int:
        """The number of runs in the current plan."""
        return self.batch.runs if self.batch is not None else 0

    @property
    def unknown(self) -> int:
        """Runs whose outcome is unknown, including those that left the plan."""
        return self.counts[Outcome.UNKNOWN] + self.gone[Outcome.UNKNOWN]

    def count(self, outcome: Outcome) -> int:
        """Planned runs with this outcome; pending ones are what is left of the plan."""
        if outcome is not Outcome.PENDING:
            return self.counts[outcome]
        return self.planned - sum(n for other, n in self.counts.items() if other is not Outcome.PENDING)

    def move(self, run: RunState, outcome: Outcome) -> None:
        """Give a run another outcome, and count it there."""
        if run.outcome is not outcome:
            counts = self.counts if run.is_planned else self.gone
            counts[run.outcome] -= 1
            counts[outcome] += 1
            run.outcome = outcome

    @property
    def has_runs(self) -> bool:
        """Whether any run exists, or may exist, at the service, according to the ledger."""
        return any(
            counts[outcome] for counts in (self.counts, self.gone) for outcome in (Outcome.SUBMITTED, Outcome.UNKNOWN)
        )
