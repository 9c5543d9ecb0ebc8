"""Which points there are: product, exclude, include, where, sample, with the count after each step.

Points are streamed; the product is never held in memory.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import heappush, heapreplace
from itertools import chain, filterfalse, product

from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.points.includes import included
from batchrun.sweep.points.rules import Point, Rule, compile_rule, where_rules
from batchrun.sweep.values import Kind, Value, as_toml, canonical_value, text_of
from batchrun.wherobots.identity import canonical_json

__all__ = ["PointSpace", "Step", "point_space"]

MAX_POINTS = "submit.max_points"
SHOWN_VALUES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """How many points are left after a step, and what the step did."""

    name: str
    count: int
    detail: str = ""


@dataclass(slots=True)
class PointSpace:
    """All points, as a stream that can be iterated again and again."""

    axes: list[Axis]
    excludes: list[Rule]
    wheres: list[Rule]
    includes: list[Point]
    sampled: frozenset[bytes] | None = None
    seed: int = 0
    steps: list[Step] = field(default_factory=list)

    def __iter__(self) -> Iterator[Point]:
        points = self.unfiltered()
        if self.wheres:
            points = (point for point in points if all(rule.matches(point) for rule in self.wheres))
        if (sampled := self.sampled) is not None:
            points = (point for point in points if self.rank(point) in sampled)
        return points

    def unfiltered(self) -> Iterator[Point]:
        """Every point, including those that ``--where`` and a sample leave out."""
        points: Iterator[Point] = self.product()
        if self.excludes:
            points = filterfalse(self.is_excluded, points)
        return chain(points, self.includes)

    def product(self) -> Iterator[Point]:
        """Every combination of the axes' own values; the first axis varies slowest."""
        return product(*(range(axis.size) for axis in self.axes))

    def is_excluded(self, point: Point) -> bool:
        return any(rule.matches(point) for rule in self.excludes)

    def values(self, point: Point) -> dict[str, Value]:
        """The value of each axis at a point."""
        return {axis.name: axis.values[position] for axis, position in zip(self.axes, point, strict=True)}

    def rank(self, point: Point) -> bytes:
        """The order of a sample: a hash of seed and point.

        Unlike a random generator's picks, it does not change with the Python version or with the rest of the sweep, and a
        larger sample contains the smaller one.
        """
        point_json = canonical_json({name: canonical_value(value) for name, value in self.values(point).items()})
        return sha256(str(self.seed).encode() + b"\n" + point_json).digest()


def point_space(manifest: Manifest, axes: list[Axis], problems: Problems) -> PointSpace:
    """The points of a manifest, counted.

    Raises:
        ManifestError: there are too many, or an exclude, include or sample cannot be used.

    """
    tables = manifest.tables
    limit = tables.submit.max_points
    size = math.prod(axis.size for axis in axes)
    # Multiplied out before anything is made: a typing mistake must not take minutes to be refused.
    _check_limit(size, _breakdown(axes), limit, problems)
    includes = included(tables.include, axes, limit, problems)
    excludes = [
        compile_rule(table, axes, problems.rule("exclude", number)) for number, table in enumerate(tables.exclude, 1)
    ]
    wheres = where_rules(manifest.overrides.where, axes, problems)
    problems.check()
    space = PointSpace(axes, excludes, wheres, includes)
    space.steps.append(Step("product", size, _breakdown(axes)))
    _count(space, size, limit, problems)
    if tables.sample is not None:
        _sample(space, tables.sample.count, tables.sample.seed, problems)
    return space


def _breakdown(axes: list[Axis]) -> str:
    """Each axis with its size, as a product."""
    return " × ".join(f"{axis.name}({axis.size})" for axis in axes) or "no axes"


def _check_limit(points: int, breakdown: str, limit: int, problems: Problems) -> None:
    if points > limit:
        fact = f"{breakdown} = {points:,} points, over max_points = {limit:,}"
        if MAX_POINTS in problems.flags:
            problems.at(MAX_POINTS).fail(fact, "raise it")
        problems.at("").fail(fact, "raise it in [submit]")


def _count(space: PointSpace, size: int, limit: int, problems: Problems) -> None:
    """Add a step, with its count, for exclude, include and where."""
    left = _after_excludes(space, size, problems) if space.excludes else size
    _check_includes(space, problems)
    if space.includes:
        before, left = left, left + len(space.includes)
        # The limit holds for product and includes together; a sample does not get round it, as it is taken from both.
        kept = f"{_breakdown(space.axes)}, less {size - before:,}," if before < size else _breakdown(space.axes)
        _check_limit(left, f"{kept} + include({len(space.includes)})", limit, problems)
        space.steps.append(Step("include", left, f"+{len(space.includes):,}"))
    if space.wheres:
        before, left = left, sum(1 for _ in space)
        space.steps.append(Step("where", left, f"-{before - left:,}"))
    if not left and not problems:
        _report_nothing_left(space, problems)
    problems.check()


def _report_nothing_left(space: PointSpace, problems: Problems) -> None:
    """Name the ``--where`` that matches nothing, with the values that there are; they may also exclude each other."""
    for rule in space.wheres:
        if not any(map(rule.matches, space.unfiltered())):
            axes = [space.axes[number] for number in rule.positions]
            problems.at(rule.place).add("matches no point", "; ".join(map(_values_of, axes)))
    if not problems:
        at = problems.at("--where") if space.wheres else problems.at("axes")
        at.add("no point is left", "loosen exclude or --where")


def _values_of(axis: Axis) -> str:
    if axis.kind is Kind.RECORD:
        return f"look at the records of '{axis.name}'"
    shown = ", ".join(text_of(value) for value in axis.values[:SHOWN_VALUES])
    return f"'{axis.name}' has {shown}{', ...' if axis.size > SHOWN_VALUES else ''}"


def _after_excludes(space: PointSpace, size: int, problems: Problems) -> int:
    """How many points of the product are left; counts the hits of each exclude."""
    left = 0
    for point in space.product():
        hit = [rule for rule in space.excludes if rule.matches(point)]
        for rule in hit:
            rule.hits += 1
        left += not hit
    # Most likely a misspelt value; the points that should go would stay, and cost money.
    for rule in space.excludes:
        if not rule.hits:
            problems.at(rule.place).add("matches no point")
    space.steps.append(Step("exclude", left, f"-{size - left:,}"))
    return left


def _check_includes(space: PointSpace, problems: Problems) -> None:
    """Includes may add a point that was excluded, but none that the product still has."""
    for number, point in enumerate(space.includes, 1):
        is_in_product = all(position < axis.size for position, axis in zip(point, space.axes, strict=True))
        if is_in_product and not space.is_excluded(point):
            fact = f"point {number}, {as_toml(space.values(point))}, is already in the sweep"
            problems.at("include").add(fact, "remove it")


def _sample(space: PointSpace, count: int, seed: int, problems: Problems) -> None:
    """Choose the ``count`` points of the lowest rank, in one pass and with a heap of ``count`` ranks."""
    total = space.steps[-1].count
    if count > total:
        problems.at("sample.count").fail(f"{count:,} of {total:,} points", f"use {total:,} or less")
    space.seed = seed
    chosen: list[tuple[int, bytes]] = []
    for point in space:
        rank = space.rank(point)
        order = -int.from_bytes(rank)  # heapq keeps the smallest on top; the worst of the chosen must be there
        if len(chosen) < count:
            heappush(chosen, (order, rank))
        elif order > chosen[0][0]:
            heapreplace(chosen, (order, rank))
    space.sampled = frozenset(rank for _, rank in chosen)
    space.steps.append(Step("sample", count, f"{count:,} of {total:,}, seed {seed}"))
