"""What a placeholder's name stands for: an axis, a field, a variable, something derived, or one of the sweep's own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrun.errors import Problem
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.manifest.tables import LookupTable
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.render.template import Placeholder, Template, parse_template
from batchrun.sweep.values import Kind, Value, is_text, kind_of, shown, text_of

__all__ = ["Binding", "PointContext", "PointError", "Scope", "formatted"]

_ABSURD = re.compile(r"\d{5}")
"""A width or precision in a format that would fill the memory."""
SECRET = "WHEROBOTS_API_KEY"  # noqa: S105 - the name of the variable that is never put into a payload

NO_ENVIRONMENT = "a name must not depend on who submits"


class PointError(Exception):
    """Something is wrong with one point."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text())
        self.problem = problem


@dataclass(frozen=True, slots=True)
class PointContext:
    """One point on its way through rendering: its positions, its index in the plan, its hash."""

    point: tuple[int, ...]
    index: int
    hash: str


@dataclass(frozen=True, slots=True)
class Binding:
    """A value that depends on some of the axes, or on the run's place in the plan."""

    axes: frozenset[int]
    value: Callable[[PointContext], Value]
    is_own: bool = False
    """True for ``index`` and ``hash``: another value for every run."""
    is_secret: bool = False
    """True for what comes from the environment, which a name must not show."""


def _constant(value: Value) -> Binding:
    return Binding(frozenset(), lambda _: value)


@dataclass(slots=True)
class Scope:
    """All names of one manifest. ``environ`` gives ``env.NAME`` its values; without it they show as ``<env.NAME>``."""

    manifest: Manifest
    axes: list[Axis]
    count: int
    environ: Mapping[str, str] | None
    problems: Problems
    used: set[str] = field(default_factory=set)
    """The axes that some template or override depends on."""
    env_used: set[str] = field(default_factory=set)
    _derived: dict[str, Binding | None] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """Every name that may stand in braces."""
        names = {"sweep", "hash", "index", "count", *self.manifest.tables.vars, *self.manifest.tables.derive}
        for axis in self.axes:
            names |= {f"{axis.name}.{column}" for column in axis.field_kinds} or {axis.name}
            names |= {f"{axis.name}.next"} if axis.following is not None else set()
        return names

    def template(self, text: str, place: str) -> Template:
        return parse_template(text, place, self.known, self.problems)

    def meaning(self, name: str, place: str, *, in_name: bool = False) -> Binding | None:
        """What a name stands for, or None when it stands for nothing, which is told."""
        head, _, column = name.partition(".")
        tables = self.manifest.tables
        if head == "env" and column:
            return self._environment(column, place, in_name=in_name)
        for number, axis in enumerate(self.axes):
            if axis.name == head:
                if not in_name:
                    self.used.add(head)
                return self._of_axis(number, axis, column, place)
        if name in tables.vars:
            return self._variable(name)
        if name in tables.derive:
            meaning = self._derivation(name)
            if in_name and meaning is not None and meaning.is_secret:
                self.problems.add(place, f"'{name}' comes from the environment", NO_ENVIRONMENT)
                return None
            if not in_name and meaning is not None:
                self.used |= {self.axes[number].name for number in meaning.axes}
            return meaning
        own = {
            "sweep": _constant(self.manifest.name),
            "count": _constant(self.count),
            "index": Binding(frozenset(), lambda at: at.index, is_own=True),
            "hash": Binding(frozenset(), lambda at: at.hash, is_own=True),
        }
        if name in own:
            return own[name]
        self.problems.add(place, f"unknown name '{name}'", did_you_mean(name, sorted(self.known), "did you mean '{}'?"))
        return None

    def _environment(self, name: str, place: str, *, in_name: bool) -> Binding | None:
        if in_name:
            self.problems.add(place, f"env.{name} in a run's name", NO_ENVIRONMENT)
            return None
        if name == SECRET:
            self.problems.add(place, "the API key would be sent in every payload", f"do not use env.{name}")
            return None
        self.env_used.add(name)
        if self.environ is None:
            return Binding(frozenset(), lambda _: f"<env.{name}>", is_secret=True)
        if name not in self.environ:
            self.problems.add(place, f"the environment has no {name}", f"export {name}=…")
            return None
        value = self.environ[name]
        if not is_text(value):
            self.problems.add(place, f"the value of {name} is not UTF-8", f"export another {name}")
            return None
        return Binding(frozenset(), lambda _: value, is_secret=True)

    def _of_axis(self, number: int, axis: Axis, column: str, place: str) -> Binding | None:
        here, values, following = frozenset({number}), axis.values, axis.following
        if column == "next" and following is not None:
            return Binding(here, lambda at: following[at.point[number]])
        if axis.kind is Kind.RECORD:
            if column in axis.field_kinds:
                return Binding(here, lambda at: values[at.point[number]][column])
            fields = list(axis.field_kinds)
            fact = f"unknown name '{axis.name}.{column}'" if column else f"'{axis.name}' holds records"
            hint = did_you_mean(column, fields) if column else f"write {{{{{axis.name}.{fields[0]}}}}}"
            self.problems.add(place, fact, hint)
            return None
        if column:
            fact = f"unknown name '{axis.name}.{column}'"
            self.problems.add(place, fact, f"'{axis.name}' holds {axis.kind}s, write {{{{{axis.name}}}}}")
            return None
        return Binding(here, lambda at: values[at.point[number]])

    def _variable(self, name: str) -> Binding | None:
        value = self.manifest.tables.vars[name]
        if kind_of(value) in {None, Kind.RECORD}:
            self.problems.add(
                f"vars.{name}", f"{shown(value)} is no constant", "give a string, number, boolean or date"
            )
            return None
        return _constant(value)

    def _derivation(self, name: str) -> Binding | None:
        if name not in self._derived:
            self._derived[name] = None  # a name that comes to itself finds this
            used = set(self.used)  # what is derived uses its axes only where it is used itself
            self._derived[name] = self._derive(name)
            self.used = used
            if self._derived[name] is None and not self.problems:
                self.problems.add(f"derive.{name}", "it depends on itself", "break the circle")
        return self._derived[name]

    def _derive(self, name: str) -> Binding | None:
        source = self.manifest.tables.derive[name]
        place = f"derive.{name}"
        if isinstance(source, LookupTable):
            return self._lookup(source, place)
        return joined(self.template(source, place), self)

    def _lookup(self, table: LookupTable, place: str) -> Binding | None:
        looked_up = self.meaning(table.lookup, f"{place}.lookup")
        if looked_up is None:
            return None

        def value(at: PointContext) -> Value:
            text = text_of(looked_up.value(at))
            if text in table.map:
                return table.map[text]
            if table.default is not None:
                return table.default
            fact = f"no entry for '{text}' in map ({', '.join(table.map)}) and no default"
            raise PointError(Problem(place, fact))

        return Binding(looked_up.axes, value, looked_up.is_own, looked_up.is_secret)


def joined(template: Template, scope: Scope, *, in_name: bool = False) -> Binding | None:
    """A whole template as one value: its text, or the value itself where it is one placeholder and nothing else."""
    if (sole := template.sole) is not None:
        return scope.meaning(sole.name, template.place, in_name=in_name)
    parts = [
        part if isinstance(part, str) else _text(part, template.place, scope, in_name=in_name)
        for part in template.parts
    ]
    if None in parts:
        return None
    whole = [part if isinstance(part, Binding) else _constant(part) for part in parts]
    axes = frozenset[int]().union(*(part.axes for part in whole))
    is_own, is_secret = any(part.is_own for part in whole), any(part.is_secret for part in whole)
    return Binding(axes, lambda at: "".join(part.value(at) for part in whole), is_own, is_secret)


def _text(part: Placeholder, place: str, scope: Scope, *, in_name: bool) -> Binding | None:
    meaning = scope.meaning(part.name, place, in_name=in_name)
    if meaning is None:
        return None
    return Binding(
        meaning.axes, lambda at: formatted(meaning.value(at), part, place), meaning.is_own, meaning.is_secret
    )


def formatted(value: Value, part: Placeholder, place: str) -> str:
    """A value's text, by the placeholder's format where it has one.

    Raises:
        PointError: the format does not fit the value.

    """
    if not part.format:
        return text_of(value)
    try:
        return _formatted(value, part.format)
    except (ValueError, TypeError):
        fact = f"the format '{part.format}' does not fit {shown(value)}"
        raise PointError(Problem(place, fact, "use a Python format such as 02d, .3f or %Y%m")) from None


def _formatted(value: Any, wanted: str) -> str:
    if _ABSURD.search(wanted):
        raise ValueError(wanted)
    return format(float(value) if isinstance(value, float) else value, wanted)
