"""What happens in a history, one event after another; and how a history is drawn from its seed.

Each event holds the seed of its own choices, so that it does the same when others around it are left out.
"""

import random
from dataclasses import dataclass
from typing import Any

from batchrun.engine.service_check import Existing
from tests.simulation.disk import DiskFaults
from tests.simulation.service import Faults, Habits

__all__ = ["Backup", "Delete", "Edit", "Event", "History", "Restore", "Session", "StepClock", "UseKey", "Wait", "drawn"]

SIZE = 50
"""Planned runs, before anybody edits the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One process that submits. A pass is one turn of its event loop; 0 is never."""

    seed: int
    faults: Faults = Faults()
    disk: DiskFaults = DiskFaults()
    kill_at_pass: int = 0
    kill_at_post: int = 0
    cuts_power: bool = False
    interrupt_at_pass: int = 0
    retry: tuple[str, ...] = ()
    existing: Existing = Existing.ADOPT
    """What the person says when runs exist that the ledger does not know."""
    rate: float | None = 50.0
    concurrency: int = 8
    max_active: int | None = None
    tag: bool = False
    clock_step_s: float = 0.0
    """A step of the wall clock while the session runs, one second after it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The sweep is edited: its size, the payload, or a value in the environment; None leaves it."""

    size: int | None = None
    timeout: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseKey:
    """From now on, the API key of this organisation is used."""

    organization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepClock:
    """The wall clock is now so far ahead of the right time."""

    error_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Runs are deleted at the service."""

    seed: int
    share: float


@dataclass(frozen=True, slots=True)
class Backup:
    """The ledger is copied."""


@dataclass(frozen=True, slots=True)
class Restore:
    """The copy is put back: a stale ledger."""


Event = Session | Edit | UseKey | StepClock | Wait | Delete | Backup | Restore


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One history. It ends with calm sessions that carry the batch out."""

    seed: int
    habits: Habits
    events: tuple[Event, ...]

    def describe(self) -> str:
        """The history as Python."""
        lines = "".join(f"        {_short(event)},\n" for event in self.events)
        return (
            f"History(\n    seed={self.seed},\n    habits={_short(self.habits)},\n    events=(\n{lines}    ),\n)"
        )


def _short(value: Any) -> str:
    """A dataclass without the fields that have their default value."""
    fields = value.__dataclass_fields__
    given = {name: getattr(value, name) for name in fields if getattr(value, name) != fields[name].default}
    shown = [
        f"{name}={_short(one) if hasattr(one, '__dataclass_fields__') else _plain(one)}" for name, one in given.items()
    ]
    return f"{type(value).__name__}({', '.join(shown)})"


def _plain(value: Any) -> str:
    return f"Existing.{value.name}" if isinstance(value, Existing) else repr(value)


def drawn(seed: int) -> History:
    """The history of a seed."""
    chance = random.Random(seed)
    habits = _habits(chance)
    events: list[Event] = [_session(chance, is_first=True)]
    for _ in range(chance.randint(1, 3)):
        for _ in range(chance.randint(0, 2)):
            events += _neighbours(chance)
        events.append(_session(chance))
    events += [UseKey(organization="acme"), Wait(seconds=40.0), _calm(chance)]
    return History(seed=seed, habits=habits, events=tuple(events))


def _habits(chance: random.Random) -> Habits:
    settle_after_s = chance.choice([1.0, 3.0, 6.0])
    return Habits(
        settle_after_s=settle_after_s,
        lag_s=chance.choice([0.0, 0.0, 0.0, 0.3, 0.8]) * settle_after_s,
        date_error_s=chance.choice([0.0, 0.0, 0.0, None, -7200.0, 7200.0]),
        normalised=chance.choice([0.0, 0.0, 0.0, 0.2]),
        page_size=chance.choice([100, 100, 20, 7]),
        substring=chance.random() < 0.3,
        hides_organization=chance.random() < 0.2,
    )


def _share(chance: random.Random, most: float) -> float:
    return round(chance.random() * most, 3) if chance.random() < 0.4 else 0.0


def _faults(chance: random.Random) -> Faults:
    return Faults(
        unsent=_share(chance, 0.1),
        lost_before=_share(chance, 0.2),
        lost_after=_share(chance, 0.2),
        error_before=_share(chance, 0.2),
        error_after=_share(chance, 0.2),
        late=_share(chance, 0.2),
        very_late=_share(chance, 0.1) if chance.random() < 0.3 else 0.0,
        cut=_share(chance, 0.1),
        conflict=_share(chance, 0.1),
        rate=_share(chance, 0.1),
        busy=_share(chance, 0.1),
        rejected=_share(chance, 0.1),
        list_fails=_share(chance, 0.3),
        list_short=_share(chance, 0.8),
        list_repeats=_share(chance, 0.3),
        organization_fails=_share(chance, 0.8),
        get_fails=_share(chance, 0.5),
    )


def _disk(chance: random.Random) -> DiskFaults:
    kind = chance.choice(["", "", "", "kill_at_write", "kill_at_sync", "kill_after_sync", "full_at_write", "failing_sync"])
    at = {kind: chance.randint(1, 40)} if kind else {}
    return DiskFaults(short_writes=chance.random() < 0.2, **at)  # type: ignore[arg-type]


def _session(chance: random.Random, *, is_first: bool = False) -> Session:
    ending = chance.choice(["", "", "pass", "post", "interrupt"])
    at_pass = int(10 ** chance.uniform(1, 3.2))
    return Session(
        seed=chance.randrange(10**9),
        faults=_faults(chance),
        disk=_disk(chance),
        kill_at_pass=at_pass if ending == "pass" else 0,
        kill_at_post=chance.randint(1, 60) if ending == "post" else 0,
        interrupt_at_pass=at_pass if ending == "interrupt" else 0,
        cuts_power=chance.random() < 0.4,
        retry=() if is_first else chance.choice([(), (), ("rejected",), ("failed",), ("failed", "rejected")]),
        existing=chance.choice([Existing.ADOPT, Existing.FOREIGN]),
        rate=chance.choice([50.0, 50.0, 20.0, None]),
        concurrency=chance.choice([1, 8, 8, 32]),
        max_active=None,
        tag=chance.random() < 0.2,
        clock_step_s=chance.choice([0.0, 0.0, 0.0, 0.0, -600.0, 600.0, 30.0]),
    )


def _calm(chance: random.Random) -> Session:
    return Session(seed=chance.randrange(10**9), retry=("failed", "rejected"), existing=Existing.ADOPT)


def _neighbours(chance: random.Random) -> list[Event]:
    kind = chance.choice(["edit", "edit", "edit", "key", "stale", "clock", "wait", "delete"])
    match kind:
        case "edit":
            return [_edit(chance)]
        case "key":
            return [UseKey(organization="other"), _session(chance), UseKey(organization="acme")]
        case "stale":
            return [Backup(), _session(chance), Wait(seconds=10.0), Restore()]
        case "clock":
            return [StepClock(error_s=chance.choice([0.0, -900.0, 900.0, 7.0, -7.0]))]
        case "wait":
            return [Wait(seconds=chance.choice([0.5, 5.0, 60.0]))]
    return [Delete(seed=chance.randrange(10**9), share=chance.choice([0.05, 0.3]))]


def _edit(chance: random.Random) -> Edit:
    match chance.choice(["size", "size", "timeout", "token"]):
        case "size":
            return Edit(size=chance.choice([10, 30, SIZE, SIZE, 60]))
        case "timeout":
            return Edit(timeout=chance.choice([3600, 7200]))
    return Edit(token=chance.choice(["a", "b"]))
