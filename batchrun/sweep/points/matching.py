"""Tests on a value: equal, any of, from/to, glob, not. Shared by exclude, override, a file's where and ``--where``."""

import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any

from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.values import Kind, Value, kind_of, shown

__all__ = ["Test", "compile_test"]

Test = Callable[[Value], bool]

_PLURAL = {
    Kind.STRING: "strings",
    Kind.NUMBER: "numbers",
    Kind.BOOLEAN: "booleans",
    Kind.DATE: "dates",
    Kind.DATETIME: "datetimes",
    Kind.LOCAL_DATETIME: "datetimes without offset",
    Kind.RECORD: "records",
}


def compile_test(test: Any, kind: Kind, place: str, problems: Problems) -> Test | None:
    """A test as a function, or None when it does not fit values of this kind."""
    match test:
        case list():
            return _any_of(test, kind, place, problems)
        case {"not": inner} if len(test) == 1:
            negated = compile_test(inner, kind, place, problems)
            return None if negated is None else lambda value: not negated(value)
        case {"glob": str() as pattern} if len(test) == 1:
            return _glob(pattern, kind, place, problems)
        case dict() if test and test.keys() <= {"from", "to"}:
            return _between(test.get("from"), test.get("to"), kind, place, problems)
        case dict():
            fix = "give a value, a list, { from, to }, { glob } or { not }"
            problems.add(place, f"{shown(test)} is no test", fix)
            return None
        case _:
            return _equal(test, kind, place, problems)


def _fits(value: Value, kind: Kind, place: str, problems: Problems) -> bool:
    given = kind_of(value)
    if given is kind and kind is not Kind.RECORD:
        return True
    said = f"the {given} {shown(value)}" if not isinstance(value, str) else f"the string '{value}'"
    problems.add(place, f"the axis holds {_PLURAL[kind]}, the test is {said}")
    return False


def _all_fit(values: list[Value], kind: Kind, place: str, problems: Problems) -> bool:
    """Every one of them is looked at, so that every problem is told."""
    return sum(not _fits(value, kind, place, problems) for value in values) == 0


def _equal(wanted: Value, kind: Kind, place: str, problems: Problems) -> Test | None:
    return (lambda value: bool(value == wanted)) if _fits(wanted, kind, place, problems) else None


def _any_of(wanted: list[Value], kind: Kind, place: str, problems: Problems) -> Test | None:
    if not wanted:
        problems.add(place, "an empty list matches nothing", "give one or more values")
        return None
    if not _all_fit(wanted, kind, place, problems):
        return None
    values = frozenset(wanted)
    return lambda value: value in values


def _glob(pattern: str, kind: Kind, place: str, problems: Problems) -> Test | None:
    if kind is not Kind.STRING:
        problems.add(place, f"the axis holds {_PLURAL[kind]}, a glob is for strings")
        return None
    matches = re.compile(translate(pattern)).match
    return lambda value: matches(value) is not None


def _between(low: Value, high: Value, kind: Kind, place: str, problems: Problems) -> Test | None:
    ends = [end for end in (low, high) if end is not None]
    if not _all_fit(ends, kind, place, problems):
        return None
    if low is not None and high is not None and low > high:
        problems.add(place, f"from {shown(low)} is above to {shown(high)}", "swap them")
        return None
    return lambda value: (low is None or value >= low) and (high is None or value <= high)
