"""The history of a seed: which sessions, which neighbours, and how each of them behaves."""

import random
from dataclasses import replace

from tests.simulation.disk import DiskFaults
from tests.simulation.events import (
    Act,
    Backup,
    Command,
    Compact,
    Delete,
    Edit,
    Event,
    History,
    Person,
    Restore,
    Session,
    StepClock,
    Strangers,
    UseKey,
    Wait,
)
from tests.simulation.service import Habits
from tests.simulation.transport import Faults, PostFaults, ReadFaults

__all__ = ["RUNS", "drawn"]

RUNS = 50
"""Planned runs, before anybody edits the sweep."""


def drawn(seed: int) -> History:
    """The history of a seed. It ends with a calm session, so that everything comes to its end."""
    chance = random.Random(seed)
    # The creation time of a run is on a third clock: a client that is ahead of it and a Date header that is ahead of it as
    # well hide it from every client, so a history has one of the two.
    steps_clock = chance.random() < 0.5
    habits = _habits(chance, steps_clock=steps_clock)
    earlier = _earlier_batch(chance)
    events: list[Event] = list(earlier)
    events.append(_session(chance, steps_clock=steps_clock))
    for _ in range(chance.choice([1, 1, 2, 3])):
        for _ in range(chance.randint(0, 2)):
            events += _neighbour(chance, steps_clock=steps_clock, is_alone=not earlier)
        events.append(_session(chance, steps_clock=steps_clock))
        events += [Compact()] if chance.random() < 0.15 else []
    events += [UseKey(organization="acme"), Wait(seconds=60.0), _calm(chance)]
    if chance.random() < 0.25:  # what needs a person gets one
        events += [Command(seed=chance.randrange(10**9), act=Act.RESOLVE), _calm(chance)]
    return History(seed=seed, habits=habits, events=tuple(events))


def _habits(chance: random.Random, *, steps_clock: bool) -> Habits:
    settle_after_s = chance.choice([1.0, 3.0, 6.0])
    return Habits(
        settle_after_s=settle_after_s,
        lag_s=round(chance.choice([0.0, 0.0, 0.0, 0.3, 0.8]) * settle_after_s, 3),
        date_error_s=chance.choice([0.0, 0.0, 0.0, None, -7200.0, -7200.0 if steps_clock else 7200.0]),
        normalised=chance.choice([0.0, 0.0, 0.0, 0.2]),
        page_size=chance.choice([100, 100, 20, 7]),
        matches_substrings=chance.random() < 0.3,
        hides_organization=chance.random() < 0.2,
        lasts_s=chance.choice([1.0, 20.0]),
    )


def _earlier_batch(chance: random.Random) -> list[Event]:
    """What the organization may hold before the batch begins: another batch's runs of the same names."""
    match chance.choice(["", "", "", "", "batch", "strangers"]):
        case "batch":
            other = Session(
                seed=chance.randrange(10**9), ledger="other", concurrency=32, rate=None, tag=chance.random() < 0.2
            )
            return [other, Wait(seconds=chance.choice([0.0, 10.0]))]
        case "strangers":
            return [Strangers(seed=chance.randrange(10**9), share=0.5), Wait(seconds=chance.choice([0.0, 10.0]))]
    return []


def _share(chance: random.Random, most: float) -> float:
    return round(chance.random() * most, 3) if chance.random() < 0.4 else 0.0


def _faults(chance: random.Random) -> Faults:
    posts = PostFaults(
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
        quota=_share(chance, 0.05) if chance.random() < 0.3 else 0.0,
        rejected=_share(chance, 0.1),
    )
    reads = ReadFaults(
        list_fails=_share(chance, 0.3),
        list_short=_share(chance, 0.8),
        list_repeats=_share(chance, 0.3),
        list_odd=_share(chance, 0.3),
        organization_fails=_share(chance, 0.8),
        get_fails=_share(chance, 0.5),
    )
    return Faults(posts=posts, reads=reads)


def _disk(chance: random.Random) -> DiskFaults:
    at, is_short = chance.randint(1, 40), chance.random() < 0.2
    match chance.randrange(8):
        case 0:
            return DiskFaults(kill_at_write=at, short_writes=is_short)
        case 1:
            return DiskFaults(kill_at_sync=at, short_writes=is_short)
        case 2:
            return DiskFaults(kill_after_sync=at, short_writes=is_short)
        case 3:
            return DiskFaults(full_at_write=at, short_writes=is_short)
        case 4:
            return DiskFaults(failing_sync=at, short_writes=is_short)
    return DiskFaults(short_writes=is_short)


def _session(chance: random.Random, *, steps_clock: bool) -> Session:
    ending = chance.choice(["", "", "step", "post", "interrupt"])
    at_step = int(10 ** chance.uniform(1, 3.5))
    return Session(
        seed=chance.randrange(10**9),
        faults=_faults(chance),
        disk=_disk(chance),
        kill_at_step=at_step if ending == "step" else 0,
        kill_at_post=chance.randint(1, 60) if ending == "post" else 0,
        interrupt_at_step=at_step if ending == "interrupt" else 0,
        cuts_power=chance.random() < 0.4,
        retry=chance.choice([(), (), ("rejected",), ("failed",), ("failed", "rejected")]),
        recreates=chance.random() < 0.5,
        person=chance.choice(list(Person)),
        rate=chance.choice([50.0, 50.0, 20.0, None]),
        concurrency=chance.choice([1, 8, 8, 32]),
        max_active=chance.choice([None, None, None, 20]),
        max_attempts=chance.choice([8, 8, 2]),
        tag=chance.random() < 0.2,
        steps_clock_s=chance.choice([0.0, 0.0, -600.0, 600.0, 30.0]) if steps_clock else 0.0,
    )


def _calm(chance: random.Random) -> Session:
    """Without any faults, so that what can be found out is found out."""
    return Session(seed=chance.randrange(10**9), retry=("failed", "rejected"), recreates=True, rate=None)


NEIGHBOURS: tuple[str | Act, ...] = (
    *("edit", "edit", "edit", "key", "stale", "stale", "clock", "wait", "delete", "compact", "rerun", "rerun"),
    *(Act.CANCEL, Act.SETTLE, Act.RESOLVE, Act.RESOLVE_HASTILY, Act.RECOVER),
)


def _neighbour(chance: random.Random, *, steps_clock: bool, is_alone: bool) -> list[Event]:
    """``is_alone``: nobody else has runs of these names, so that a ledger can be rebuilt from the names."""
    match chance.choice(NEIGHBOURS):
        case "edit":
            return [_edit(chance)]
        case "key":
            return [
                UseKey(organization="globex"),
                _session(chance, steps_clock=steps_clock),
                UseKey(organization="acme"),
            ]
        case "stale":
            edits = chance.choice([[], [], [_edit(chance)], [Edit(timeout_s=7200)]])
            return [*edits, Backup(), _session(chance, steps_clock=steps_clock), Wait(seconds=10.0), Restore()]
        case "clock":
            return [StepClock(error_s=chance.choice([0.0, -900.0, 900.0, 7.0, -7.0]) if steps_clock else 0.0)]
        case "wait":
            return [Wait(seconds=chance.choice([0.5, 5.0, 60.0]))]
        case "delete":
            return [Delete(seed=chance.randrange(10**9), share=chance.choice([0.05, 0.3]))]
        case "rerun":
            return _rerun(chance, steps_clock=steps_clock)
        case Act() as act if act is not Act.RECOVER or is_alone:
            return [_command(chance, act, steps_clock=steps_clock)]
    return [Compact()]


def _command(chance: random.Random, act: Act, *, steps_clock: bool, timeout_s: int | None = None) -> Command:
    is_killed = chance.random() < 0.4
    return Command(
        seed=chance.randrange(10**9),
        act=act,
        share=chance.choice([0.3, 1.0]),
        timeout_s=timeout_s,
        faults=_faults(chance),
        disk=_disk(chance),
        kill_at_step=int(10 ** chance.uniform(0.5, 2.5)) if is_killed else 0,
        cuts_power=chance.random() < 0.4,
        steps_clock_s=chance.choice([0.0, 0.0, -600.0, 600.0]) if steps_clock else 0.0,
    )


def _rerun(chance: random.Random, *, steps_clock: bool) -> list[Event]:
    """Runs have to have ended, as far as the ledger knows, before they are run again."""
    follow = Command(seed=chance.randrange(10**9), act=Act.FOLLOW)
    timeout_s = chance.choice([None, None, 5400])
    return [
        Wait(seconds=25.0),
        chance.choice([follow, _command(chance, Act.FOLLOW, steps_clock=steps_clock)]),
        _command(chance, Act.RERUN, steps_clock=steps_clock, timeout_s=timeout_s),
        *(_rejections(chance, steps_clock=steps_clock) if chance.random() < 0.2 else []),
    ]


def _rejections(chance: random.Random, *, steps_clock: bool) -> list[Event]:
    """The service rejects many runs, as it does with a setting that is wrong, and the ledger is compacted before that is changed."""
    session = _session(chance, steps_clock=steps_clock)
    posts = replace(session.faults.posts, rejected=0.3)
    return [replace(session, faults=replace(session.faults, posts=posts), retry=()), Compact()]


def _edit(chance: random.Random) -> Edit:
    match chance.choice(["points", "points", "timeout", "token"]):
        case "points":
            return Edit(points=chance.choice([(1, 10), (1, 30), (20, RUNS), (1, RUNS), (1, RUNS), (1, 60)]))
        case "timeout":
            return Edit(timeout_s=chance.choice([3600, 7200]))
    return Edit(token=chance.choice(["a", "b"]))
