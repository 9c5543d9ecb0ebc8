"""What happens in a history, one event after another. Events are plain values: a history can be printed, and read as Python.

Each event holds the seed of its own choices, so that it does the same when others around it are left out.
"""

from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from tests.simulation.disk import SOUND_DISK, DiskFaults
from tests.simulation.service import Habits
from tests.simulation.transport import Faults, PostFaults, ReadFaults

__all__ = [
    "Act",
    "Backup",
    "Command",
    "Compact",
    "Delete",
    "Edit",
    "Event",
    "History",
    "Person",
    "Restore",
    "Session",
    "StepClock",
    "Strangers",
    "UseKey",
    "Wait",
    "described",
    "parsed",
]


NO_FAULTS = Faults()


class Person(Enum):
    """What the person does when the service holds runs that the ledger does not know."""

    ADOPT = "adopt"
    """Take them over, if an older ledger was restored and they are this batch's; else they are not ours."""
    NOT_OURS = "not ours"
    NEWER = "newer"
    """Put the newer ledger back, if an older one was restored; else they are not ours."""


class Act(Enum):
    """What a command does."""

    FOLLOW = "follow"
    """As ``batchrun status --refresh``: record the statuses of created runs."""
    CANCEL = "cancel"
    RERUN = "rerun"
    SETTLE = "settle"
    """Look for unknown runs without a plan, as several commands do first."""
    RESOLVE = "resolve"
    """Decide about all unknown runs, knowing the truth."""
    RESOLVE_HASTILY = "resolve hastily"
    """Decide about them as the command suggests."""
    RECOVER = "recover"
    """The ledger is lost, and rebuilt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    """One process. Steps are those of its event loop; at 0, never."""

    seed: int
    faults: Faults = NO_FAULTS
    disk: DiskFaults = SOUND_DISK
    kill_at_step: int = 0
    cuts_power: bool = False
    ledger: str = "main"
    """Which ledger; another one is another batch of the same sweep."""
    steps_clock_s: float = 0.0
    """How far the wall clock steps in the first seconds of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(_Process):
    """One process that submits."""

    kill_at_post: int = 0
    interrupt_at_step: int = 0
    retry: tuple[str, ...] = ()
    recreates: bool = False
    """Allows points to be created again with another payload; else a refusal makes the person undo the edit."""
    person: Person = Person.NOT_OURS
    rate: float | None = 50.0
    concurrency: int = 8
    max_active: int | None = None
    max_attempts: int = 8
    tag: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(_Process):
    """One process that does something else with the batch."""

    act: Act
    share: float = 1.0
    """Of the runs that it may be about."""
    timeout_s: int | None = None
    """The setting that a rerun replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The sweep is edited: which points it has, the payload, or a value in the environment. None leaves it."""

    points: tuple[int, int] | None = None
    timeout_s: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseKey:
    """From now on, the API key of this organization is used."""

    organization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepClock:
    """The wall clock of the client is now so far ahead of the right time."""

    error_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Time passes."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Some runs are deleted at the service."""

    seed: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Another client of the organization creates runs that have planned names, and other payloads."""

    seed: int
    share: float


@dataclass(frozen=True, slots=True)
class Backup:
    """The ledger is copied."""


@dataclass(frozen=True, slots=True)
class Restore:
    """The copy is put in the place of the ledger."""


@dataclass(frozen=True, slots=True)
class Compact:
    """``batchrun ledger compact``."""


Event = Session | Command | Edit | UseKey | StepClock | Wait | Delete | Strangers | Backup | Restore | Compact


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One history: a service, and what happens."""

    seed: int
    habits: Habits
    events: tuple[Event, ...]

    def describe(self) -> str:
        """The history as Python, one event a line."""
        events = "".join(f"        {described(event)},\n" for event in self.events)
        return f"History(\n    seed={self.seed},\n    habits={described(self.habits)},\n    events=(\n{events}    ),\n)"


def parsed(text: str) -> History:
    """The history that ``History.describe`` wrote."""
    names = {**globals(), **{kind.__name__: kind for kind in (PostFaults, ReadFaults)}}
    history: History = eval(text, names)
    return history


def described(value: Any) -> str:
    """A value as Python, without the fields that have their default."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if not is_dataclass(value):
        return repr(value)
    given = {field.name: getattr(value, field.name) for field in fields(value)}
    defaults = {field.name: field.default for field in fields(value)}
    shown = [f"{name}={described(one)}" for name, one in given.items() if one != defaults[name]]
    return f"{type(value).__name__}({', '.join(shown)})"
