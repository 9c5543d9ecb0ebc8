"""Rules that select points: exclude, override and ``--where``, as the positions of the values that they match."""

from dataclasses import dataclass
from typing import Any

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.problems import Cursor, Problems, did_you_mean
from batchrun.sweep.manifest.source import parse_toml, split_pair
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.points.matching import compile_test
from batchrun.sweep.values import Kind, as_toml

__all__ = ["Point", "Rule", "compile_rule", "where_rules"]

Point = tuple[int, ...]
"""The position of a value in each axis: small, hashable and cheap to make."""


@dataclass(slots=True)
class Rule:
    """One exclude, override or ``--where``: the positions that it matches on the axes it names. Several axes mean *and*."""

    place: str
    positions: dict[int, frozenset[int]]
    hits: int = 0

    def matches(self, point: Point) -> bool:
        return all(point[axis] in positions for axis, positions in self.positions.items())


def compile_rule(table: dict[str, Any], axes: list[Axis], at: Cursor) -> Rule:
    """Run the tests of a rule on the values of the axes, once, so that matching a point is a set look-up."""
    rule = Rule(at.path, {})
    numbers = {axis.name: number for number, axis in enumerate(axes)}
    if not table:
        at.add("it names no axis", "write axis = test")
    for key, test in table.items():
        name, _, field = key.partition(".")  # "site.id" from --where; in TOML the table is nested
        if name not in numbers:
            at.add(f"unknown axis '{name}'", did_you_mean(name, numbers, otherwise="the sweep has no axes"))
            continue
        number = numbers[name]
        positions = _positions(axes[number], {field: test} if field else test, at)
        if positions is not None:
            # An axis may be named twice, nested and in quotes: both tests have to hold.
            rule.positions[number] = positions & rule.positions.get(number, positions)
    return rule


def _positions(axis: Axis, test: Any, at: Cursor) -> frozenset[int] | None:
    if axis.kind is Kind.RECORD:
        return _record_positions(axis, test, at)
    matches = compile_test(test, axis.kind, at.child(axis.name))
    return None if matches is None else frozenset(n for n, value in enumerate(axis.values) if matches(value))


def _record_positions(axis: Axis, tests: Any, at: Cursor) -> frozenset[int] | None:
    if not isinstance(tests, dict):
        field = next(iter(axis.field_kinds))
        at.add(f"'{axis.name}' holds records", f"test its fields: {axis.name}.{field} = …")
        return None
    kept = frozenset(range(len(axis.values)))
    for field, test in tests.items():
        if field not in axis.field_kinds:
            at.add(f"no field '{field}' in {axis.name}", did_you_mean(field, axis.field_kinds))
            return None
        matches = compile_test(test, axis.field_kinds[field], at.child(f"{axis.name}.{field}"))
        if matches is None:
            return None
        kept = frozenset(n for n in kept if matches(axis.values[n][field]))
    return kept


def where_rules(texts: tuple[str, ...], axes: list[Axis], problems: Problems) -> list[Rule]:
    """A rule for each ``--where``."""
    rules = []
    for text in texts:
        if (pair := split_pair(text, problems.at("--where"))) is not None:
            test = _where_test(*pair, axes)
            rules.append(compile_rule({pair[0]: test}, axes, problems.at(f"--where {text}").as_rule()))
    return rules


def _where_test(key: str, value: str, axes: list[Axis]) -> Any:
    """The test of ``--where region=us``. Its type comes from the axis, so that strings need no quotes, as ``10`` may be one."""
    name, _, field = key.partition(".")
    axis = next((axis for axis in axes if axis.name == name), None)
    kind = None if axis is None else axis.field_kinds.get(field, axis.kind)
    literal = value if kind is not Kind.STRING or value[:1] in {'"', "'", "[", "{"} else as_toml(value)
    try:
        return parse_toml(f"value = {literal}", "--where")["value"]
    except ManifestError:
        return value  # of the wrong kind: the test says so
