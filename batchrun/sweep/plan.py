"""The plan: the runs to create, in order, as a stream that can be iterated again and again."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from batchrun.errors import Problem
from batchrun.files import whole_file
from batchrun.sweep.local_file import LocalFile, UploadPlan
from batchrun.sweep.manifest.manifest import Manifest, SubmitTable, Tables
from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.manifest.tables import CostTable
from batchrun.sweep.plan_file import PLAN_FILE_FIX, PlanLines, read_header
from batchrun.sweep.points.axes import load_axes
from batchrun.sweep.points.files import PlanFile
from batchrun.sweep.points.space import Step, point_space
from batchrun.sweep.render.compiled import CompiledSweep, compile_manifest
from batchrun.sweep.render.context import PointError
from batchrun.sweep.render.local_files import NO_RECORD, LocalFiles
from batchrun.sweep.runs import PlannedRun
from batchrun.sweep.script_imports import script_warnings
from batchrun.sweep.tally import Demand, Script, Tally, Total
from batchrun.wherobots.payload import DEFAULT_TIMEOUT_S

__all__ = [
    "Demand",
    "Hit",
    "Plan",
    "PlanFile",
    "PlannedRun",
    "Total",
    "build_plan",
    "plan_lines",
    "read_plan",
    "write_plan",
]

MAX_REPORTED = 20
"""How many points with problems are looked for: more of them say nothing new."""


@dataclass(frozen=True, slots=True)
class Hit:
    """How many points a rule of the manifest matched."""

    rule: str
    points: int


class _Source(Protocol):
    """Where the runs of a plan come from."""

    def __iter__(self) -> Iterator[PlannedRun]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The runs to create, in order. Can be iterated any number of times."""

    name: str
    runs: int
    """The number of runs."""
    sha256: str
    """Identifies the whole plan: a hash of its keys and names, in order."""
    source: _Source = field(repr=False)
    submit: SubmitTable = field(default_factory=SubmitTable)
    cost: CostTable = field(default_factory=CostTable)
    files: tuple[PlanFile, ...] = ()
    warnings: tuple[Problem, ...] = ()
    steps: tuple[Step, ...] = ()
    hits: tuple[Hit, ...] = ()
    totals: tuple[Total, ...] = ()
    demands: tuple[Demand, ...] = ()
    uploads: tuple[UploadPlan, ...] = ()
    """The local files that runs use, to be uploaded before the first run is created."""
    manifest: Manifest | None = None
    path: Path | None = None
    """The plan file that the plan was read from."""
    name_prefix: str = ""
    """The common prefix of all run names; may be empty."""
    unresolved: tuple[str, ...] = ()
    """Unresolved environment placeholders, such as ``<env.NAME>``; a plan that has any must not be sent."""
    scripts: tuple[Script, ...] = ()
    """The scripts and jars that runs execute, without local files."""
    environment_names: tuple[str, ...] = ()
    """The environment variables whose values are part of what is sent."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment values that are part of what is sent, by name. Treat them as secrets."""

    def __iter__(self) -> Iterator[PlannedRun]:
        return iter(self.source)

    def __len__(self) -> int:
        return self.runs


def build_plan(
    manifest: Manifest,
    *,
    environ: Mapping[str, str] | None = None,
    recorded_files: Mapping[str, LocalFile] = NO_RECORD,
) -> Plan:
    """Build the plan of a manifest, in one pass over all of its runs.

    ``environ`` provides the values of ``{{env.NAME}}``; without it, ``<env.NAME>`` stays in their place. Keys never depend
    on those values. ``recorded_files`` are local files as recorded by a batch in progress, by path; they are not read
    again.

    Raises:
        ManifestError: it cannot be planned; it carries every problem of the stage that failed.

    """
    problems = Problems(manifest.lines, manifest.file, manifest.overrides.flags())
    axes = load_axes(manifest, problems)
    _check_allowed(manifest, [axis.name for axis in axes], problems)
    problems.check()
    space = point_space(manifest, axes, problems)
    local_files = LocalFiles(manifest.directory, recorded_files)
    compiled = compile_manifest(manifest, space, problems, environ=environ, local_files=local_files)
    tally = _render_all(compiled, problems)
    uploads = tally.uploads(local_files.found.values())
    data_files = [axis.file for axis in axes if axis.file is not None]
    return Plan(
        name=manifest.name,
        runs=tally.runs,
        sha256=tally.digest.hexdigest(),
        source=compiled if tally.kept is None else tally.kept,
        submit=manifest.submit,
        cost=manifest.tables.cost,
        files=(*data_files, *_local_files(uploads)),
        warnings=(*compiled.warnings, *_script_warnings(local_files, manifest.tables)),
        steps=tuple(space.steps),
        hits=tuple(Hit(rule.place, rule.hits) for rule in (*space.excludes, *compiled.overrides)),
        totals=tally.totals(),
        scripts=tally.scripts(),
        demands=tally.demands(),
        uploads=uploads,
        name_prefix=tally.name_prefix(),
        manifest=manifest,
        unresolved=tuple(f"{{{{env.{name}}}}}" for name in sorted(compiled.env_used)) if environ is None else (),
        environment_names=tuple(sorted(compiled.env_used)),
        environment={name: environ[name] for name in sorted(compiled.env_used)} if environ is not None else {},
    )


def _check_allowed(manifest: Manifest, names: list[str], problems: Problems) -> None:
    for name in manifest.tables.allow_unused:
        if name not in names and name not in manifest.tables.axes:
            fix = did_you_mean(name, names, otherwise="the sweep has no axes")
            problems.at("allow_unused").add(f"unknown axis '{name}'", fix)


def _render_all(compiled: CompiledSweep, problems: Problems) -> Tally:
    """Render every run once, so that whatever is wrong with one is known before the first is sent."""
    tally, failed = Tally(), 0
    for point in compiled.points():
        # One point may be wrong where others are fine: a format that does not fit, a look-up without an entry.
        try:
            run, runtime, timeout_s = compiled.run(point)
        except PointError as error:
            error.report()
            failed += 1
            if failed >= MAX_REPORTED:
                break
            continue
        if not tally.add(run, runtime, timeout_s) and (other := compiled.find_namesake(run)) is not None:
            fact = f"'{run.name}' names two points: {compiled.describe_pair(other, run)}"
            problems.at("run.name").fail(fact)
    if tally.runs == 1 or not problems:
        compiled.validate_first(problems)
    for rule in compiled.unmatched_overrides() if not problems else ():
        problems.at(rule.place).add("matches no point")
    problems.check()
    return tally


def _local_files(uploads: Iterable[UploadPlan]) -> Iterator[PlanFile]:
    """A script that was edited is noticed as a data file is."""
    for upload in uploads:
        yield PlanFile(upload.file.path, upload.file.sha256, upload.file.size)


def _script_warnings(local_files: LocalFiles, tables: Tables) -> Iterator[Problem]:
    listed = [*tables.run.dependencies]
    for override in tables.override:
        listed += [*(override.dependencies or ()), *override.add_dependencies]
    names = [one.pypi or one.file or "" for one in listed]
    scripts = [file for path, file in local_files.found.items() if path in local_files.scripts]
    names += [str(file.source) for path, file in local_files.found.items() if path not in local_files.scripts]
    return script_warnings(scripts, names)


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan as JSON Lines: a header, then one run per line. The file appears complete or not at all.

    Raises:
        UsageError: the file cannot be written.

    """
    with whole_file(Path(path)) as file:
        file.writelines(plan_lines(plan))


def plan_lines(plan: Plan) -> Iterator[bytes]:
    """The lines of a plan file: a header, then one run per line."""
    # This key comes first: a plan file is recognized by how it begins.
    header: dict[str, Any] = {"batchrun_plan": 1, "name": plan.name, "runs": plan.runs, "sha256": plan.sha256}
    header["uploads"] = [
        {"path": str(file.source), "sha256": file.sha256, "size": file.size}
        for file in (upload.file for upload in plan.uploads)
    ]
    header["cost"] = plan.cost.model_dump(mode="json", exclude_none=True)
    header["submit"] = plan.submit.model_dump(mode="json", by_alias=True, exclude_none=True)
    yield json.dumps(header).encode() + b"\n"
    for run in plan:
        yield run.line().encode()


def read_plan(path: str | Path) -> Plan:
    """Read a plan written by ``write_plan``; every line is checked.

    Raises:
        ManifestError: it cannot be read, or is not a plan; problems are located by line.

    """
    path = Path(path)
    header = read_header(path)
    lines, tally, problems = PlanLines(path, header.identity), Tally(), Problems()
    for run in lines:
        payload = json.loads(run.body)
        if not tally.add(run, payload.get("runtime", ""), payload.get("timeoutSeconds", DEFAULT_TIMEOUT_S)):
            at = problems.at(f"{path}:{run.index + 2}")
            at.fail(f"the name '{run.name}' appears twice", "names must be unique in a plan")
    if tally.runs != header.runs:
        fact = f"{tally.runs:,} runs, but its first line says {header.runs:,}"
        problems.at(str(path)).fail(fact, PLAN_FILE_FIX)
    uploads = tally.uploads(header.local_files)
    return Plan(
        name=header.name,
        runs=tally.runs,
        sha256=tally.digest.hexdigest(),
        source=lines if tally.kept is None else tally.kept,
        submit=header.submit,
        cost=header.cost,
        files=(header.file, *_local_files(uploads)),
        steps=(Step("plan file", tally.runs, path.name),),
        totals=tally.totals(),
        scripts=tally.scripts(),
        demands=tally.demands(),
        uploads=uploads,
        name_prefix=tally.name_prefix(),
        path=path,
    )
