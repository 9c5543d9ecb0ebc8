"""Run names: how a value appears in one, how long a name may be, and which characters it may have."""

import re
from collections.abc import Callable
from typing import NoReturn

from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.render.cache import cached
from batchrun.sweep.render.context import PointContext, PointError
from batchrun.sweep.render.formats import formatted
from batchrun.sweep.render.names import Scope
from batchrun.sweep.render.template import Placeholder
from batchrun.wherobots.payload import NAME_MAX_LENGTH, NAME_MIN_LENGTH

__all__ = ["compile_name", "slug"]

_INVALID = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def slug(text: str) -> str:
    """A value as part of a name: each run of invalid characters becomes one dash.

    Only within values. The template's own text is the author's to fix, and names are never cut or numbered, so that
    two points never end up under one name (DVC drops one of them).
    """
    return _INVALID.sub("-", text)


def compile_name(scope: Scope) -> Callable[[PointContext], str] | None:
    """A function that makes a point's run name, or None with problems.

    The function raises PointError if a name is too short, too long or has invalid characters.
    """
    at = scope.problems.at("run").child("name")
    parts: list[str | Callable[[PointContext], str]] = []
    for part in scope.template(scope.manifest.tables.run.name, at).parts:
        made = part if isinstance(part, str) else _placeholder(part, scope, at)
        if made is None:
            return None
        parts.append(made)

    def name(context: PointContext) -> str:
        made = "".join([part if isinstance(part, str) else part(context) for part in parts])
        if not (NAME_MIN_LENGTH <= len(made) <= NAME_MAX_LENGTH and _NAME.fullmatch(made)):
            _refuse(made, at)
        return made

    return name


def _placeholder(part: Placeholder, scope: Scope, at: Cursor) -> Callable[[PointContext], str] | None:
    binding = scope.resolve(part.name, at, in_name=True)
    if binding is None:
        return None

    def make(context: PointContext) -> str:
        return slug(formatted(binding.value(context), part, at))

    # Names differ at every point: remembering what depends on several axes would hold most of them.
    return cached(binding, make, scope.axes) if len(binding.axes) == 1 else make


def _refuse(name: str, at: Cursor) -> NoReturn:
    if len(name) < NAME_MIN_LENGTH:
        fact, fix = f"'{name}' has {len(name)} characters", f"use {NAME_MIN_LENGTH} or more"
    elif len(name) > NAME_MAX_LENGTH:
        fact, fix = f"'{name[:40]}…' has {len(name)} characters", f"use at most {NAME_MAX_LENGTH}"
    else:
        fact, fix = f"'{name}' has characters other than letters, digits, _ . and -", "fix the template"
    raise PointError(at, fact, fix)
