"""A compiled manifest: turns each point into a planned run with a few lookups."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice

from pydantic import ValidationError

from batchrun.errors import Problem
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Cursor, Problems
from batchrun.sweep.manifest.tables import OverrideTable, RerunTable
from batchrun.sweep.points.rules import Point, Rule, compile_rule
from batchrun.sweep.points.space import PointSpace
from batchrun.sweep.render.context import PointContext, PointError
from batchrun.sweep.render.local_files import LocalFiles
from batchrun.sweep.render.names import Scope
from batchrun.sweep.render.naming import compile_name
from batchrun.sweep.render.render import PayloadTemplate, payload_template
from batchrun.sweep.render.settings import RunSettings
from batchrun.sweep.runs import PlannedRun
from batchrun.sweep.values import as_toml, canonical_value
from batchrun.wherobots.identity import canonical_json, run_key

__all__ = ["CompiledSweep", "IndexedPoint", "compile_manifest"]

HASH_HEX_DIGITS = 10
# 40 bits: of 100,000 points two collide in one sweep of 220, of a million in one of three; equal names are then an error.
BATCH_SIZE = 100
"""Runs made at a time: one by one, between requests, each costs twice as much."""

IndexedPoint = tuple[int, Point, bytes]
"""A point's index in the plan, its positions, and its canonical JSON."""
TemplateFor = Callable[[tuple[int, ...]], PayloadTemplate]
"""The payload template for the overrides that a point matches."""


@dataclass(slots=True)
class CompiledSweep:
    """Makes planned runs from points."""

    space: PointSpace
    overrides: list[Rule]
    name: Callable[[PointContext], str]
    key_template: TemplateFor
    """What keys are computed from: ``<env.NAME>`` stays, so that a key does not depend on who submits."""
    body_template: TemplateFor | None
    """What is sent; None if it is the same."""
    warnings: tuple[Problem, ...]
    env_used: frozenset[str]
    local_files: LocalFiles
    _fragments: list[list[bytes]] = field(default_factory=list)
    _order: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        axes = self.space.axes
        # Canonical JSON sorts its keys. Each axis' part of a point is encoded once for each value.
        self._order = sorted(range(len(axes)), key=lambda number: axes[number].name)
        self._fragments = [
            [canonical_json({axis.name: canonical_value(value)})[1:-1] for value in axis.values] for axis in axes
        ]

    def __iter__(self) -> Iterator[PlannedRun]:
        """Every planned run, once it is known that each can be rendered."""
        points = self.points()
        while batch := [self.run(point)[0] for point in islice(points, BATCH_SIZE)]:
            yield from batch

    def points(self) -> Iterator[IndexedPoint]:
        """Every point with its index and its canonical JSON."""
        fragments, order = self._fragments, self._order
        for index, point in enumerate(self.space):
            yield index, point, b"{" + b",".join([fragments[axis][point[axis]] for axis in order]) + b"}"

    def run(self, indexed: IndexedPoint) -> tuple[PlannedRun, str, int]:
        """The planned run of a point, its runtime, and its timeout in seconds.

        Raises:
            PointError: the point cannot be rendered.

        """
        index, point, point_json = indexed
        context = PointContext(point, index, sha256(point_json).hexdigest()[:HASH_HEX_DIGITS])
        name = self.name(context)
        quoted = f'"{name}"'.encode()  # a name has no character that JSON escapes
        matched = tuple([number for number, rule in enumerate(self.overrides) if rule.matches(point)])
        template = self.key_template(matched)
        body, region = template.body(context, quoted), template.region(context)
        key, keyed_body = run_key(region, body), None
        if self.body_template is not None:
            keyed_body, template = body, self.body_template(matched)
            body, region = template.body(context, quoted), template.region(context)
        run = PlannedRun(index, key, name, region, body, point_json, keyed_body)
        return run, template.runtime(context), template.timeout_s(context)

    def find_namesake(self, run: PlannedRun) -> PlannedRun | None:
        """An earlier run of the same name; None if only the hashes of two names were equal."""
        others = (self.run(point)[0] for point in self.points())
        return next((other for other in others if other.name == run.name and other.index < run.index), None)

    def describe_pair(self, first: PlannedRun, second: PlannedRun) -> str:
        """Two runs' points as TOML; of the second only what differs."""
        one, other = (self.space.values(next(islice(self.space, run.index, None))) for run in (first, second))
        differing = {name: value for name, value in other.items() if value != one[name]}
        omission = "… " if len(differing) < len(other) else ""
        return f"{as_toml(one)} and {{{omission}{as_toml(differing)[1:]}"

    def validate_first(self, problems: Problems) -> None:
        """Validate the first payload against the wire's model, in case a check of the manifest has a gap."""
        if (first := next(self.points(), None)) is None:
            return
        try:
            _ = self.run(first)[0].payload
        except PointError as error:
            error.report()  # where every point was rendered, it is reported already, and is not reported twice
        except ValidationError as error:
            for one in error.errors():
                problems.at("run").add(f"{'.'.join(map(str, one['loc']))}: {one['msg']}", "fix the manifest")

    def count_hits(self) -> None:
        """Count the points that each override matches."""
        for rule in self.overrides:
            rule.hits = 0
        if self.overrides:
            for point in self.space:
                for rule in self.overrides:
                    rule.hits += rule.matches(point)

    def unmatched_overrides(self) -> list[Rule]:
        """The overrides that match no point, not even one that ``--where`` or a sample leaves out."""
        idle = [rule for rule in self.overrides if not rule.hits]
        for point in self.space.unfiltered() if idle else ():
            idle = [rule for rule in idle if not rule.matches(point)]
        return idle


def compile_manifest(
    manifest: Manifest,
    space: PointSpace,
    problems: Problems,
    *,
    environ: Mapping[str, str] | None,
    local_files: LocalFiles,
) -> CompiledSweep:
    """Everything that can be made before the first point.

    Raises:
        ManifestError: a template, an override or a derived value cannot be used.

    """
    overrides = [
        Rule(at.path, {}) if isinstance(table, RerunTable) else compile_rule(table.when, space.axes, at)
        for at, table in _override_tables(manifest, problems)
    ]
    count = space.steps[-1].count
    scope = Scope(manifest, space.axes, count, None, problems, local_files)
    scope.used |= {space.axes[axis].name for rule in overrides for axis in rule.positions}
    name = _checked_name(scope)
    key_template = _template_cache(scope)
    body_template = None
    if environ is not None and scope.env_used:
        body_template = _template_cache(Scope(manifest, space.axes, count, environ, problems, local_files))
        # Rendered once now, so that a variable that is not set is reported once, and not for each point.
        body_template(())
        problems.check()
    env_used = frozenset(scope.env_used)
    compiled = CompiledSweep(
        space, overrides, name, key_template, body_template, _warnings(manifest), env_used, local_files
    )
    compiled.count_hits()
    return compiled


def _override_tables(manifest: Manifest, problems: Problems) -> list[tuple[Cursor, OverrideTable]]:
    """The overrides in order, each with its place; what a rerun sets comes from the command line."""
    return [
        (problems.at("--set run") if isinstance(table, RerunTable) else problems.rule("override", number), table)
        for number, table in enumerate(manifest.tables.override, 1)
    ]


def _checked_name(scope: Scope) -> Callable[[PointContext], str]:
    """The function that makes names, after every template was parsed once, so that all problems are reported together."""
    tables, problems = scope.manifest.tables, scope.problems
    name = compile_name(scope)
    payload_template(RunSettings(tables.run, [], problems), scope)
    for override in _override_tables(scope.manifest, problems):
        payload_template(RunSettings(tables.run, [override], problems), scope)
    if not problems:
        _check_used(scope)
    for derived in tables.derive:  # those that nothing uses have problems as well
        scope.resolve(derived, problems.at("derive").child(derived))
    problems.check()
    if name is None:
        raise AssertionError("a name that cannot be compiled reported no problem")
    return name


def _template_cache(scope: Scope) -> TemplateFor:
    """A template for each set of overrides that some point matches, made when it is first needed."""
    made: dict[tuple[int, ...], PayloadTemplate] = {}
    tables, problems = scope.manifest.tables, scope.problems
    rules = _override_tables(scope.manifest, problems)

    def template_for(matched: tuple[int, ...]) -> PayloadTemplate:
        if (template := made.get(matched)) is None:
            settings = RunSettings(tables.run, [rules[number] for number in matched], problems)
            template = payload_template(settings, scope)
            if template is None:
                problems.check()
                raise AssertionError("a template that cannot be compiled reported no problem")
            made[matched] = template
        return template

    return template_for


def _check_used(scope: Scope) -> None:
    """An axis that changes nothing makes runs that differ in name only: a mistake, unless repeats are meant."""
    allowed = scope.manifest.tables.allow_unused
    for axis in scope.axes:
        if axis.name not in scope.used and axis.name not in allowed:
            at = scope.problems.at("axes").child(axis.name)
            at.add("changes nothing in the run", "use it, drop it, or list it in allow_unused")


def _warnings(manifest: Manifest) -> tuple[Problem, ...]:
    # The name is part of the payload and so of the key: a run whose index moves is another run to a resume.
    if "{{index" not in manifest.tables.run.name.replace(" ", ""):
        return ()
    fact = "it contains {{index}}, which changes when the sweep is edited"
    return (Problem("run.name", fact, "name runs by their axes, or by {{hash}}"),)
