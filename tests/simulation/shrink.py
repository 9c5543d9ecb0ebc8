"""A shorter history with the same kind of finding: without events that it does not need, then without faults."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from tests.simulation.disk import DISK
from tests.simulation.events import History
from tests.simulation.play import Played, play

__all__ = ["shrunk"]


def shrunk(played: Played, folder: Path) -> Played:
    """The shortest history that was found by leaving out one thing after another."""
    kind = _kind(played)
    while True:
        for history in _shorter(played.history):
            DISK.clear(folder)
            again = play(history, folder)
            if again.findings and _kind(again) == kind:
                played = again
                break
        else:
            return played


def _kind(played: Played) -> str:
    return played.findings[0].partition(":")[0]


def _shorter(history: History) -> Iterator[History]:
    """Histories with one thing less: a part of the events, one event, one field of one event.

    The last session stays: it is what brings everything to its end.
    """
    events = history.events
    *earlier, last = events
    size = len(events) // 2
    while size:
        for begin in range(0, len(earlier), size):
            yield replace(history, events=(*earlier[:begin], *earlier[begin + size :], last))
        size //= 2
    for number, event in enumerate(events):
        for simpler in _simpler(event):
            yield replace(history, events=(*events[:number], simpler, *events[number + 1 :]))
    for habits in _simpler(history.habits):
        yield replace(history, habits=habits)


def _simpler(value: Any) -> Iterator[Any]:
    """The value with one field that has its default."""
    for field in fields(value):
        given = getattr(value, field.name)
        if given == field.default or field.name == "seed":
            continue
        if is_dataclass(field.default):
            yield replace(value, **{field.name: field.default})
            yield from (replace(value, **{field.name: simpler}) for simpler in _simpler(given))
        elif isinstance(field.default, bool | int | float | str | tuple | None):
            yield replace(value, **{field.name: field.default})
