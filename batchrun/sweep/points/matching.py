"""Tests on a value: equal, any of, from/to, glob, not. Shared by exclude, override, a file's where and ``--where``."""

import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any

from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.values import Kind, Value, as_toml, kind_of

__all__ = ["Test", "compile_test"]

Test = Callable[[Value], bool]


def compile_test(test: Any, kind: Kind, at: Cursor) -> Test | None:
    """A test as a function, or None if it does not fit values of this kind.

    A test of another kind is an error rather than a test that never matches: in Travis CI, an exclude that compares a
    string with a float silently excludes nothing.
    """
    match test:
        case list():
            return _any_of(test, kind, at)
        case {"not": inner} if len(test) == 1:
            negated = compile_test(inner, kind, at)
            return None if negated is None else lambda value: not negated(value)
        case {"glob": str() as pattern} if len(test) == 1:
            return _glob(pattern, kind, at)
        case dict() if test and test.keys() <= {"from", "to"}:
            return _between(test.get("from"), test.get("to"), kind, at)
        case dict():
            at.add(f"{as_toml(test)} is not a test", "use a value, a list, { from, to }, { glob } or { not }")
            return None
        case _:
            return (lambda value: bool(value == test)) if _fit([test], kind, at) else None


def _fit(values: list[Value], kind: Kind, at: Cursor) -> bool:
    """Whether all of a test's values are of the axis' kind; every one that is not is reported."""
    misfits = [value for value in values if kind_of(value) is not kind or kind is Kind.RECORD]
    for value in misfits:
        misfit = f"string '{value}'" if isinstance(value, str) else f"{kind_of(value)} {as_toml(value)}"
        at.add(f"the axis holds {kind.plural}, but the test is the {misfit}")
    return not misfits


def _any_of(wanted: list[Value], kind: Kind, at: Cursor) -> Test | None:
    if not wanted:
        at.add("an empty list matches nothing", "list one or more values")
        return None
    if not _fit(wanted, kind, at):
        return None
    # Equal numbers hash alike, so that 1 also matches 1.0.
    values = frozenset(wanted)
    return lambda value: value in values


def _glob(pattern: str, kind: Kind, at: Cursor) -> Test | None:
    if kind is not Kind.STRING:
        at.add(f"the axis holds {kind.plural}, but a glob is for strings", "use a value, a list or { from, to }")
        return None
    # Not fnmatch(), which ignores case on some systems: a plan must be the same on every machine.
    matches = re.compile(translate(pattern)).match
    return lambda value: matches(value) is not None


def _between(low: Value, high: Value, kind: Kind, at: Cursor) -> Test | None:
    if not _fit([end for end in (low, high) if end is not None], kind, at):
        return None
    if low is not None and high is not None and low > high:
        at.add(f"from = {as_toml(low)} is greater than to = {as_toml(high)}", "swap them")
        return None
    return lambda value: (low is None or value >= low) and (high is None or value <= high)
