"""The plan: the ordered list of runs to create, as a stream that can be had again and again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from batchrun.errors import Problem
from batchrun.sweep.manifest.manifest import Manifest, SubmitTable
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.plan_file import PLAN_FILE_FIX, PlanLines, read_header
from batchrun.sweep.points.axes import load_axes
from batchrun.sweep.points.files import PlanFile
from batchrun.sweep.points.space import Step, point_space
from batchrun.sweep.render.compiled import CompiledSweep, compile_manifest
from batchrun.sweep.render.names import PointError
from batchrun.sweep.runs import PlannedRun

__all__ = ["Hit", "Plan", "PlanFile", "PlannedRun", "Total", "build_plan", "read_plan", "write_plan"]

KEPT_RUNS = 100_000
"""A plan of at most so many runs (about 70 MB) is kept; a larger one is made anew each time."""
MAX_TOLD = 20
"""So many problems of single points are told; more of them say nothing new."""


@dataclass(frozen=True, slots=True)
class Hit:
    """How many points a rule of the manifest matched."""

    rule: str
    points: int


@dataclass(frozen=True, slots=True)
class Total:
    """How many runs go to a region with a runtime."""

    region: str
    runtime: str
    runs: int


class _Source(Protocol):
    """Where the runs of a plan come from."""

    def __iter__(self) -> Iterator[PlannedRun]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every run to create, in order. Iterating makes them anew each time; nothing is held."""

    name: str
    runs: int
    """How many."""
    sha256: str
    """Over the keys and names in order: the identity of the whole plan."""
    source: _Source = field(repr=False)
    submit: SubmitTable = field(default_factory=SubmitTable)
    files: tuple[PlanFile, ...] = ()
    warnings: tuple[Problem, ...] = ()
    steps: tuple[Step, ...] = ()
    hits: tuple[Hit, ...] = ()
    totals: tuple[Total, ...] = ()
    manifest: Manifest | None = None
    path: Path | None = None
    """The plan file that it was read from."""
    name_prefix: str = ""
    """What the names of all runs begin with; may be empty."""
    unresolved: tuple[str, ...] = ()
    """Placeholders of the environment that still stand for their values, as ``<env.NAME>``: such a plan is not to be sent."""

    def __iter__(self) -> Iterator[PlannedRun]:
        return iter(self.source)

    def __len__(self) -> int:
        return self.runs


@dataclass(slots=True)
class _Pass:
    """What one walk over all runs finds out."""

    digest: Any = field(default_factory=sha256)
    runs: int = 0
    names: set[int] = field(default_factory=set)
    first_name: str = ""
    last_name: str = ""
    """The least and the greatest name: what these two begin with, all names begin with."""
    kept: list[PlannedRun] | None = field(default_factory=list)
    """The runs themselves, while they are few: a small plan is made once."""
    totals: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, run: PlannedRun, runtime: str) -> bool:
        """Count a run in; False when its name was there already."""
        self.runs += 1
        if self.kept is not None:
            self.kept.append(run)
            if self.runs > KEPT_RUNS:
                self.kept = None
        self.digest.update(run.key.encode() + run.name.encode() + b"\n")
        where = (run.region, runtime)
        self.totals[where] = self.totals.get(where, 0) + 1
        if run.name < self.first_name or not self.first_name:
            self.first_name = run.name
        self.last_name = max(self.last_name, run.name)
        marked = hash(run.name)
        if marked in self.names:
            return False
        self.names.add(marked)
        return True

    def name_prefix(self) -> str:
        pairs = zip(self.first_name, self.last_name, strict=False)
        return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def total(self) -> tuple[Total, ...]:
        return tuple(Total(region, runtime, runs) for (region, runtime), runs in sorted(self.totals.items()))


def build_plan(manifest: Manifest, *, environ: Mapping[str, str] | None = None) -> Plan:
    """The plan of a manifest, after one pass over all of its runs.

    ``environ`` gives ``{{env.NAME}}`` its values in what is sent; without it they stay ``<env.NAME>``. Keys never depend
    on those values.

    Raises:
        ManifestError: it cannot be planned; everything that is wrong at a stage is told at once.

    """
    problems = Problems(manifest.lines, manifest.file)
    axes, files = load_axes(manifest, problems)
    _check_allowed(manifest, [axis.name for axis in axes], problems)
    problems.check()
    space = point_space(manifest, axes, problems)
    compiled = compile_manifest(manifest, space, environ, problems)
    walked = _walk(compiled, problems)
    return Plan(
        name=manifest.name,
        runs=walked.runs,
        sha256=walked.digest.hexdigest(),
        source=compiled if walked.kept is None else walked.kept,
        submit=manifest.submit,
        files=(*files, *_environment_files(compiled, environ)),
        warnings=compiled.warnings,
        steps=tuple(space.steps),
        hits=tuple(Hit(entry.place, entry.hits) for entry in (*space.excludes, *compiled.overrides)),
        totals=walked.total(),
        name_prefix=walked.name_prefix(),
        manifest=manifest,
        unresolved=tuple(f"{{{{env.{name}}}}}" for name in sorted(compiled.env_used)) if environ is None else (),
    )


def _check_allowed(manifest: Manifest, names: list[str], problems: Problems) -> None:
    for name in manifest.tables.allow_unused:
        if name not in names and name not in manifest.tables.axes:
            problems.add("allow_unused", f"there is no axis '{name}'", f"axes: {', '.join(names)}")


def _walk(compiled: CompiledSweep, problems: Problems) -> _Pass:
    walked, told = _Pass(), 0
    for at in compiled.positions():
        try:
            run, runtime = compiled.run(at)
        except PointError as error:
            problems.add(error.problem.place, error.problem.fact, error.problem.fix)
            told += 1
            if told >= MAX_TOLD:
                break
            continue
        if not walked.take(run, runtime) and (other := compiled.same_name(run)) is not None:
            problems.fail("run.name", f"'{run.name}' names two points: {compiled.shown_both(other, run)}")
    if walked.runs == 1 or not problems:
        compiled.check_first(problems)
    for entry in compiled.unmatched() if not problems else ():
        problems.add(entry.place, "matches no point")
    problems.check()
    return walked


def _environment_files(compiled: CompiledSweep, environ: Mapping[str, str] | None) -> Iterator[PlanFile]:
    """A resume notices a changed variable as it notices a changed file."""
    for name in sorted(compiled.env_used) if environ is not None else ():
        yield PlanFile(f"env.{name}", sha256((environ or {})[name].encode()).hexdigest())


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan as JSON Lines: a header, then a run a line.

    Raises:
        ManifestError: the file cannot be written.

    """
    header = {"batchrun_plan": 1, "name": plan.name, "runs": plan.runs, "sha256": plan.sha256}
    header["submit"] = plan.submit.model_dump(mode="json", by_alias=True, exclude_none=True)
    problems = Problems()
    path = Path(path)
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps(header) + "\n")
            file.writelines(run.line() for run in plan)
    except OSError as error:
        problems.fail(str(path), f"cannot be written: {error.strerror}", "choose another path")


def read_plan(path: str | Path) -> Plan:
    """A plan that ``write_plan`` wrote, checked line by line.

    Raises:
        ManifestError: it cannot be read, or is no plan; with line numbers.

    """
    path = Path(path)
    header = read_header(path)
    lines, walked, problems = PlanLines(path), _Pass(), Problems()
    for run in lines:
        if not walked.take(run, json.loads(run.body).get("runtime", "")):
            problems.fail(
                f"{path}:{run.index + 2}", f"the name '{run.name}' stands twice", "names are unique in a plan"
            )
    if walked.runs != header.runs:
        problems.fail(str(path), f"{walked.runs:,} runs, its first line says {header.runs:,}", PLAN_FILE_FIX)
    return Plan(
        name=header.name,
        runs=walked.runs,
        sha256=walked.digest.hexdigest(),
        source=lines,
        submit=header.submit,
        files=(header.file,),
        steps=(Step("plan file", walked.runs, path.name),),
        totals=walked.total(),
        name_prefix=walked.name_prefix(),
        path=path,
    )
