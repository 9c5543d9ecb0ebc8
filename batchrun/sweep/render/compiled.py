"""A manifest made ready: each point becomes a planned run with a few look-ups."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any

from pydantic import ValidationError

from batchrun.errors import Problem
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.points.space import Entry, PointSpace, compile_entry
from batchrun.sweep.render.names import PointContext, Scope
from batchrun.sweep.render.naming import namer
from batchrun.sweep.render.render import PayloadTemplate, recipe_of
from batchrun.sweep.runs import PlannedRun
from batchrun.sweep.values import canonical_value, shown
from batchrun.wherobots.identity import canonical_json, run_key

__all__ = ["CompiledSweep", "compile_manifest"]

HASH_HEX_DIGITS = 10
MADE_AT_ONCE = 100
"""Runs made in one go: one by one, between requests, each costs twice as much."""


@dataclass(slots=True)
class CompiledSweep:
    """Makes planned runs from points. ``sent`` differs from ``keyed`` only where the environment is used."""

    space: PointSpace
    overrides: list[Entry]
    name: Callable[[PointContext], str]
    keyed: Callable[[tuple[int, ...]], PayloadTemplate]
    """The recipe for the overrides that a point matches, with ``<env.NAME>`` in place of values."""
    sent: Callable[[tuple[int, ...]], PayloadTemplate] | None
    warnings: tuple[Problem, ...]
    env_used: frozenset[str]
    _fragments: list[list[bytes]] = field(default_factory=list)
    _order: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        axes = self.space.axes
        self._order = sorted(range(len(axes)), key=lambda number: axes[number].name)
        self._fragments = [
            [canonical_json({axis.name: canonical_value(value)})[1:-1] for value in axis.values] for axis in axes
        ]

    def __iter__(self) -> Iterator[PlannedRun]:
        """Every planned run, once it is known that each can be rendered."""
        positions = self.positions()
        while some := [self.run(at)[0] for at in islice(positions, MADE_AT_ONCE)]:
            yield from some

    def positions(self) -> Iterator[tuple[int, tuple[int, ...], bytes]]:
        """Every point with its index and its canonical JSON."""
        fragments, order = self._fragments, self._order
        for index, point in enumerate(self.space):
            yield index, point, b"{" + b",".join([fragments[axis][point[axis]] for axis in order]) + b"}"

    def run(self, where: tuple[int, tuple[int, ...], bytes]) -> tuple[PlannedRun, str]:
        """The planned run of a point, and its runtime.

        Raises:
            PointError: the point cannot be rendered.

        """
        index, point, point_json = where
        at = PointContext(point, index, sha256(point_json).hexdigest()[:HASH_HEX_DIGITS])
        name = self.name(at)
        quoted = f'"{name}"'.encode()
        matched = tuple([number for number, entry in enumerate(self.overrides) if entry.matches(point)])
        recipe = self.keyed(matched)
        body, region = recipe.body(at, quoted), recipe.region(at)
        key, keyed = run_key(region, body), None
        if self.sent is not None:
            keyed, recipe = body, self.sent(matched)
            body, region = recipe.body(at, quoted), recipe.region(at)
        return PlannedRun(index, key, name, region, body, point_json, keyed), recipe.runtime(at)

    def same_name(self, run: PlannedRun) -> PlannedRun | None:
        """An earlier run of the same name."""
        others = (self.run(at)[0] for at in self.positions())
        return next((other for other in others if other.name == run.name and other.index < run.index), None)

    def shown_both(self, first: PlannedRun, second: PlannedRun) -> str:
        """Two runs' points as a person would write them; of the second only what differs."""
        one, other = (self._values(run) for run in (first, second))
        differing = {name: value for name, value in other.items() if value != one[name]}
        more = "… " if len(differing) < len(other) else ""
        return f"{shown(one)} and {{{more}{shown(differing)[1:]}"

    def _values(self, run: PlannedRun) -> dict[str, Any]:
        point = next(islice(self.space, run.index, None))
        return {axis.name: axis.values[at] for axis, at in zip(self.space.axes, point, strict=True)}

    def check_first(self, problems: Problems) -> None:
        """Hold the first payload against the wire's own model: a last look that nothing was overlooked."""
        first = next(self.positions(), None)
        if first is None:
            return
        try:
            _ = self.run(first)[0].payload
        except ValidationError as error:
            for one in error.errors():
                problems.add("run", f"{'.'.join(map(str, one['loc']))}: {one['msg']}", "mend the manifest")

    def unmatched(self) -> list[Entry]:
        """The overrides that match nothing, also among the points that ``--where`` and a sample leave out."""
        idle = [entry for entry in self.overrides if not entry.hits]
        for point in self.space.everything() if idle else ():
            idle = [entry for entry in idle if not entry.matches(point)]
        return idle

    def count_hits(self) -> None:
        """How many points each override matches."""
        for entry in self.overrides:
            entry.hits = 0
        if self.overrides:
            for point in self.space:
                for entry in self.overrides:
                    entry.hits += entry.matches(point)


def compile_manifest(
    manifest: Manifest, space: PointSpace, environ: Mapping[str, str] | None, problems: Problems
) -> CompiledSweep:
    """Everything that can be made before the first point.

    Raises:
        ManifestError: a template, an override or a derived value makes no sense.

    """
    count = space.steps[-1].count
    shown_scope = Scope(manifest, space.axes, count, None, problems)
    overrides = [
        compile_entry(table.when, space.axes, f"override #{n}", problems)
        for n, table in enumerate(manifest.tables.override, 1)
    ]
    for entry in overrides:
        shown_scope.used |= {space.axes[axis].name for axis in entry.positions}
    name = namer(manifest, shown_scope)
    recipe_of(manifest.tables.run, [], shown_scope)
    for number, table in enumerate(manifest.tables.override, 1):
        recipe_of(manifest.tables.run, [(number, table)], shown_scope)
    _check_used(manifest, shown_scope, problems)
    for derived in manifest.tables.derive:
        shown_scope.meaning(derived, f"derive.{derived}")
    problems.check()
    sent = None
    if environ is not None and shown_scope.env_used:
        sent = _recipes(manifest, Scope(manifest, space.axes, count, environ, problems))
        sent(())
        problems.check()
    if name is None:
        raise AssertionError("a template that is wrong told nothing")
    keyed = _recipes(manifest, shown_scope)
    compiled = CompiledSweep(space, overrides, name, keyed, sent, _warnings(manifest), frozenset(shown_scope.env_used))
    compiled.count_hits()
    return compiled


def _recipes(manifest: Manifest, scope: Scope) -> Callable[[tuple[int, ...]], PayloadTemplate]:
    """A recipe for each set of overrides that some point matches, made when it is first needed."""
    known: dict[tuple[int, ...], PayloadTemplate] = {}
    tables = manifest.tables.override

    def recipe(matched: tuple[int, ...]) -> PayloadTemplate:
        if (made := known.get(matched)) is None:
            made = recipe_of(manifest.tables.run, [(number + 1, tables[number]) for number in matched], scope)
            if made is None:
                scope.problems.check()
                raise AssertionError("a recipe that is wrong told nothing")
            known[matched] = made
        return made

    return recipe


def _check_used(manifest: Manifest, scope: Scope, problems: Problems) -> None:
    if problems:
        return
    for axis in scope.axes:
        if axis.name not in scope.used and axis.name not in manifest.tables.allow_unused:
            problems.add(
                f"axes.{axis.name}", "changes nothing in the run", "use it, drop it, or list it in allow_unused"
            )


def _warnings(manifest: Manifest) -> tuple[Problem, ...]:
    found = []
    if "{{index" in manifest.tables.run.name.replace(" ", ""):
        fact = "it has {{index}} in it, which moves when the sweep is edited"
        found.append(Problem("run.name", fact, "name runs by what varies, or by {{hash}}"))
    return tuple(found)
