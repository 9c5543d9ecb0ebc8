"""Run names: what a value becomes in one, how long and of what they may be, and that no two are the same."""

import re
from collections.abc import Callable
from typing import Any

from batchrun.errors import Problem
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.render.names import PointContext, PointError, Scope, formatted
from batchrun.sweep.render.template import Placeholder
from batchrun.wherobots.payload import NAME_MAX_LENGTH, NAME_MIN_LENGTH

__all__ = ["namer", "slug"]

_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
PLACE = "run.name"


def slug(text: str) -> str:
    """A value as part of a name: runs of other characters become one dash."""
    return _OTHERS.sub("-", text)


def namer(manifest: Manifest, scope: Scope) -> Callable[[PointContext], str] | None:
    """Makes a point's run name; None when the template is wrong.

    The function raises PointError when a name is too short, too long or of the wrong characters.
    """
    template = scope.template(manifest.tables.run.name, PLACE)
    pieces: list[str | Callable[[PointContext], str]] = []
    for part in template.parts:
        made = part if isinstance(part, str) else _piece(part, scope)
        if made is None:
            return None
        pieces.append(made)

    def name(at: PointContext) -> str:
        made = "".join([piece if isinstance(piece, str) else piece(at) for piece in pieces])
        return made if NAME_MIN_LENGTH <= len(made) <= NAME_MAX_LENGTH and _NAME.fullmatch(made) else _refuse(made)

    return name


def _piece(part: Placeholder, scope: Scope) -> Callable[[PointContext], str] | None:
    meaning = scope.meaning(part.name, PLACE, in_name=True)
    if meaning is None:
        return None
    if meaning.is_own or len(meaning.axes) != 1:
        return lambda at: slug(formatted(meaning.value(at), part, PLACE))
    (axis,) = meaning.axes
    table: list[Any] = [None] * len(scope.axes[axis].values)

    def look_up(at: PointContext) -> str:
        position = at.point[axis]
        if (made := table[position]) is None:
            made = table[position] = slug(formatted(meaning.value(at), part, PLACE))
        return str(made)

    return look_up


def _refuse(name: str) -> str:
    if len(name) < NAME_MIN_LENGTH:
        fact, fix = f"'{name}' has {len(name)} characters", f"a name has {NAME_MIN_LENGTH} or more"
    elif len(name) > NAME_MAX_LENGTH:
        fact, fix = f"'{name[:40]}…' has {len(name)} characters", f"a name has {NAME_MAX_LENGTH} at most"
    else:
        fact, fix = f"'{name}' has other characters than letters, digits, _ . and -", "mend the template"
    raise PointError(Problem(PLACE, fact, fix))
