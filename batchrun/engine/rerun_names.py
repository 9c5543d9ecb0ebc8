"""What reruns are called, and whose rerun has a name. The name is all that a rerun can be recognized by. Pure."""

import re
from collections.abc import Callable, Container
from typing import TypeVar

from batchrun.wherobots.payload import NAME_MAX_LENGTH

__all__ = ["generation_in", "next_rerun_name", "rerun_name", "rerun_of", "words_of"]

T = TypeVar("T")

FIRST_RERUN = 2
KEPT_OF_LONG_NAME = 230
"""Characters of a name that leave room for a key, a generation and their separators."""
# At most four digits: a longer number at the end of a name is more likely a date or an id than a generation.
_RERUN = re.compile(r"(.+)-r([0-9]{1,4})", re.DOTALL)
_KEYED = re.compile(r".+-([0-9a-f]{16})", re.DOTALL)


def rerun_name(name: str, key: str, generation: int, taken: Container[str] = ()) -> str:
    """``NAME-r2``; where that is too long or another run's name, the key makes it unique."""
    short = f"{name}-r{generation}"
    if len(short) <= NAME_MAX_LENGTH and short not in taken:
        return short
    return f"{name[:KEPT_OF_LONG_NAME]}-{key}-r{generation}"


def next_rerun_name(rerun: str) -> str:
    """What the rerun after this one is called, unless that is another run's name."""
    name, _, generation = rerun.rpartition("-r")
    return f"{name}-r{int(generation) + 1}"


def generation_in(name: str) -> int:
    """The generation that the name of a rerun says; 1 for any other name."""
    rerun = _RERUN.fullmatch(name)
    return int(rerun[2]) if rerun is not None else 1


def words_of(name: str) -> tuple[str, ...]:
    """Everything that a planned run may be found by that has this name, or whose rerun has: names, and a key."""
    if (rerun := _RERUN.fullmatch(name)) is None:
        return (name,)
    keyed = _KEYED.fullmatch(rerun[1])
    return (name, rerun[1]) if keyed is None else (name, rerun[1], keyed[1])


def rerun_of(name: str, by_name: Callable[[str], T | None], by_key: Callable[[str], T | None]) -> tuple[T, int] | None:
    """Whose rerun has this name, and which generation it is; None if it is not a rerun of a run that can be found.

    ``by_name`` and ``by_key`` find the planned run of a name and of a key.
    """
    rerun = _RERUN.fullmatch(name)
    if rerun is None or (generation := int(rerun[2])) < FIRST_RERUN:
        return None
    found = by_name(rerun[1])
    if found is None and (keyed := _KEYED.fullmatch(rerun[1])) is not None:
        found = by_key(keyed[1])
    return (found, generation) if found is not None else None
