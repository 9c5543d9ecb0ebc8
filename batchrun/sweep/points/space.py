"""Which points there are: count, product, exclude, include, where, sample; a count and the hits for every step.

A point is a tuple of positions, one in each axis' values, so that it is small, hashable and cheap to make. The product
is never held.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import heappush, heapreplace
from itertools import chain, product
from typing import Any

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.manifest.source import check_pair, parse_toml
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.points.includes import included
from batchrun.sweep.points.matching import compile_test
from batchrun.sweep.values import Kind, canonical_value, shown
from batchrun.wherobots.identity import canonical_json

__all__ = ["Entry", "Position", "Step", "compile_entry", "point_space"]

Position = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """How many points there are after a step, and what the step did."""

    name: str
    count: int
    detail: str = ""


@dataclass(slots=True)
class Entry:
    """One exclude, where or override: which positions of which axes it names. Several axes mean *and*."""

    place: str
    positions: dict[int, frozenset[int]]
    hits: int = 0

    def matches(self, point: Position) -> bool:
        return all(point[axis] in positions for axis, positions in self.positions.items())


@dataclass(slots=True)
class PointSpace:
    """All points, as a stream that can be had again and again."""

    axes: list[Axis]
    excludes: list[Entry]
    wheres: list[Entry]
    includes: list[Position]
    sampled: frozenset[bytes] | None = None
    seed: int = 0
    steps: list[Step] = field(default_factory=list)

    def __iter__(self) -> Iterator[Position]:
        points = self.everything()
        if self.wheres:
            points = (point for point in points if all(entry.matches(point) for entry in self.wheres))
        if (sampled := self.sampled) is not None:
            points = (point for point in points if self.rank(point) in sampled)
        return points

    def rank(self, point: Position) -> bytes:
        """What a sample orders points by: the same on every machine, whatever else is in the sweep."""
        return sha256(str(self.seed).encode() + b"\n" + self.json(point)).digest()

    def json(self, point: Position) -> bytes:
        """The canonical JSON of a point."""
        named = {axis.name: canonical_value(axis.values[at]) for axis, at in zip(self.axes, point, strict=True)}
        return canonical_json(named)

    def everything(self) -> Iterator[Position]:
        """Every point, whatever ``--where`` and a sample leave of them."""
        points: Iterator[Position] = product(*(range(axis.size) for axis in self.axes))
        if self.excludes:
            points = (point for point in points if not any(entry.matches(point) for entry in self.excludes))
        return chain(points, self.includes)


def point_space(manifest: Manifest, axes: list[Axis], problems: Problems) -> PointSpace:
    """The points of a manifest, counted.

    Raises:
        ManifestError: there are too many, or an exclude, include or sample makes no sense.

    """
    tables = manifest.tables
    size = math.prod(axis.size for axis in axes)
    _check_limit(size, breakdown(axes), tables.submit.max_points, problems)
    includes = included(tables.include, axes, tables.submit.max_points, problems)
    excludes = _entries(tables.exclude, axes, "exclude", problems)
    wheres = _wheres(manifest.overrides.where, axes, problems)
    problems.check()
    space = PointSpace(axes, excludes, wheres, includes)
    space.steps.append(Step("product", size, breakdown(axes)))
    _count(space, size, tables.submit.max_points, problems)
    if tables.sample is not None:
        _sample(space, tables.sample.count, tables.sample.seed, problems)
    return space


def breakdown(axes: list[Axis]) -> str:
    """Each axis with its size, as a product."""
    return " × ".join(f"{axis.name}({axis.size})" for axis in axes) or "no axes"


def _check_limit(points: int, made_of: str, limit: int, problems: Problems) -> None:
    if points > limit:
        problems.fail("", f"{made_of} = {points:,} points, over max_points = {limit:,}", "raise it in [submit]")


def _count(space: PointSpace, size: int, limit: int, problems: Problems) -> None:
    """Count each step's points and each entry's hits; an include that is there already is told."""
    left = _after_excludes(space, size, problems) if space.excludes else size
    _check_includes(space, problems)
    if space.includes:
        before, left = left, left + len(space.includes)
        product_left = f"{breakdown(space.axes)}, less {size - before:,}," if before < size else breakdown(space.axes)
        _check_limit(left, f"{product_left} + include({len(space.includes)})", limit, problems)
        space.steps.append(Step("include", left, f"+{len(space.includes):,}"))
    if space.wheres:
        kept = sum(1 for _ in space)
        space.steps.append(Step("where", kept, f"-{left - kept:,}"))
        left = kept
    if not left and not problems:
        problems.add("axes", "no point is left", "loosen exclude or --where")
    problems.check()


def _after_excludes(space: PointSpace, size: int, problems: Problems) -> int:
    left = 0
    for point in product(*(range(axis.size) for axis in space.axes)):
        hit = [entry for entry in space.excludes if entry.matches(point)]
        for entry in hit:
            entry.hits += 1
        left += not hit
    for entry in space.excludes:
        if not entry.hits:
            problems.add(entry.place, "matches no point")
    space.steps.append(Step("exclude", left, f"-{size - left:,}"))
    return left


def _check_includes(space: PointSpace, problems: Problems) -> None:
    for point in space.includes:
        is_in_product = all(at < axis.size for at, axis in zip(point, space.axes, strict=True))
        if is_in_product and not any(entry.matches(point) for entry in space.excludes):
            _twice(space, point, problems)


def _twice(space: PointSpace, point: Position, problems: Problems) -> None:
    named = {axis.name: axis.values[at] for axis, at in zip(space.axes, point, strict=True)}
    number = space.includes.index(point) + 1
    problems.add("include", f"point {number}, {shown(named)}, is there already", "drop it")


def _sample(space: PointSpace, count: int, seed: int, problems: Problems) -> None:
    total = space.steps[-1].count
    if count > total:
        problems.fail("sample.count", f"{count:,} of {total:,} points", f"give {total:,} or less")
    space.seed = seed
    chosen: list[tuple[int, bytes]] = []
    for point in space:
        rank = space.rank(point)
        order = -int.from_bytes(rank)
        if len(chosen) < count:
            heappush(chosen, (order, rank))
        elif order > chosen[0][0]:
            heapreplace(chosen, (order, rank))
    space.sampled = frozenset(rank for _, rank in chosen)
    space.steps.append(Step("sample", count, f"{count:,} of {total:,}, seed {seed}"))


def compile_entry(table: dict[str, Any], axes: list[Axis], place: str, problems: Problems) -> Entry:
    """Which positions the tests of one entry match."""
    entry = Entry(place, {})
    by_name = {axis.name: number for number, axis in enumerate(axes)}
    if not table:
        problems.add(place, "it names no axis", "write axis = test")
    for name, test in table.items():
        head, _, column = name.partition(".")
        if head not in by_name:
            problems.add(place, f"unknown axis '{head}'", did_you_mean(head, list(by_name)))
            continue
        number = by_name[head]
        tests = {column: test} if column else test
        positions = _positions(axes[number], tests, place, problems)
        if positions is not None:
            entry.positions[number] = positions & entry.positions.get(number, positions)
    return entry


def _positions(axis: Axis, test: Any, place: str, problems: Problems) -> frozenset[int] | None:
    if axis.kind is Kind.RECORD:
        return _record_positions(axis, test, place, problems)
    matches = compile_test(test, axis.kind, f"{place}: {axis.name}", problems)
    return None if matches is None else frozenset(at for at, value in enumerate(axis.values) if matches(value))


def _record_positions(axis: Axis, tests: Any, place: str, problems: Problems) -> frozenset[int] | None:
    if not isinstance(tests, dict):
        fact = f"'{axis.name}' holds records"
        problems.add(place, fact, f"test its fields: {axis.name}.{next(iter(axis.field_kinds))} = …")
        return None
    kept = frozenset(range(len(axis.values)))
    for column, test in tests.items():
        if column not in axis.field_kinds:
            problems.add(place, f"no field '{column}' in {axis.name}", did_you_mean(column, list(axis.field_kinds)))
            return None
        matches = compile_test(test, axis.field_kinds[column], f"{place}: {axis.name}.{column}", problems)
        if matches is None:
            return None
        kept = frozenset(at for at in kept if matches(axis.values[at][column]))
    return kept


def _entries(tables: list[dict[str, Any]], axes: list[Axis], name: str, problems: Problems) -> list[Entry]:
    return [compile_entry(table, axes, f"{name} #{n}", problems) for n, table in enumerate(tables, 1)]


def _wheres(texts: tuple[str, ...], axes: list[Axis], problems: Problems) -> list[Entry]:
    """``--where region=us``: the value is read as the axis' kind, so that strings need no quotes."""
    entries = []
    for text in texts:
        if (pair := check_pair(text, "--where", problems)) is None:
            continue
        name, value = pair
        axis = next((axis for axis in axes if axis.name == name.partition(".")[0]), None)
        kind = None if axis is None else axis.field_kinds.get(name.partition(".")[2], axis.kind)
        literal = value if kind is not Kind.STRING or value[:1] in {'"', "'", "[", "{"} else shown(value)
        try:
            test = parse_toml(f"value = {literal}", "--where")["value"]
        except ManifestError:
            test = value
        entries.append(compile_entry({name: test}, axes, f"--where {text}", problems))
    return entries
