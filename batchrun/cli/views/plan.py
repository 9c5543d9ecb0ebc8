"""A plan, for people and as JSON: its steps, rules and totals, and the first and last runs."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from shlex import join
from typing import TYPE_CHECKING, Any

from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.cli.views.uses import outside_files, uses_lines
from batchrun.sweep.local_file import UploadPlan
from batchrun.sweep.plan import Plan, PlannedRun

if TYPE_CHECKING:
    from batchrun.engine.preflight.difference import Difference

__all__ = ["plan_document", "show_all", "show_plan", "shown_runs", "totals_words", "upload_lines"]

NAMED = 3
"""How many new runs, or groups of runs, are named; the others are only counted."""
NAMED_FILES = 10
"""How many local files are listed: each run may have a script of its own."""
WIDEST_ARGUMENTS = 60


def show_plan(plan: Plan, output: Output) -> None:
    """Each step with its count, each rule with its matches, and the totals."""
    steps = tuple((step.name, f"{step.count:,}", step.detail) for step in plan.steps)
    output.table(Table(title=plan.name, head=("step", "count", ""), rows=steps, right=frozenset({"count"})))
    if plan.hits:
        hits = tuple((hit.rule, f"{hit.points:,}") for hit in plan.hits)
        output.table(Table(head=("rule", "points"), rows=hits, right=frozenset({"points"})))
    totals = tuple((total.region, total.runtime, f"{total.runs:,}") for total in plan.totals)
    output.table(Table(head=("region", "runtime", "runs"), rows=totals, right=frozenset({"runs"})))
    if plan.uploads:
        output.table(upload_table(plan))
    for line in uses_lines(plan):
        output.say(line)
    output.say(f"{plan.name}: {numbered(plan.runs, 'run')}")


def upload_table(plan: Plan) -> Table:
    """The local files that submitting would upload: size, the first digits of the hash, and how many runs use each."""
    shown, more = plan.uploads[:NAMED_FILES], plan.uploads[NAMED_FILES:]
    rows = [
        (one.file.path, f"{one.file.size:,}", one.file.sha256[:16], f"{sum(one.runs.values()):,}", ", ".join(one.runs))
        for one in shown
    ]
    if more:
        rows.append((f"... and {len(more):,} more", f"{_bytes(more):,}", "", "", ""))
    head = ("local file to upload", "bytes", "sha-256", "runs", "regions")
    return Table(head=head, rows=tuple(rows), right=frozenset({"bytes", "runs"}))


def upload_lines(uploads: Sequence[UploadPlan]) -> Iterator[str]:
    """A line for each file that is still to be uploaded, and one for those beyond the first few."""
    for one in uploads[:NAMED_FILES]:
        runs = numbered(sum(one.runs.values()), "run")
        yield f"local file to upload: {one.file.path} ({one.file.size:,} bytes, used by {runs})"
    if more := uploads[NAMED_FILES:]:
        yield f"and {numbered(len(more), 'more local file')} to upload ({_bytes(more):,} bytes)"


def _bytes(uploads: Sequence[UploadPlan]) -> int:
    return sum(one.file.size for one in uploads)


def totals_words(plan: Plan) -> str:
    """Runs by runtime and region: ``20 small in aws-us-west-2, 4 large in aws-us-east-1``."""
    parts = [f"{total.runs:,} {total.runtime} in {total.region}" for total in plan.totals[:NAMED]]
    more = len(plan.totals) - NAMED
    return ", ".join(parts) + (f", and {more:,} more" if more > 0 else "")


def shown_runs(plan: Plan, show: int) -> Table:
    """The first and the last ``show`` runs."""
    rows = tuple(_row(run) if run is not None else ("...", "", "", "", "") for run in _ends(plan, show))
    return Table(head=("#", "name", "region", "runtime", "arguments"), rows=rows, right=frozenset({"#"}))


def show_all(plan: Plan, output: Output) -> None:
    """One line per run, streamed: a table would hold a million rows in memory."""
    for run in plan:
        if output.stdout_closed:
            return
        output.say("  ".join(_row(run)))


def plan_document(plan: Plan, *, show: int | None, found: "Difference | None") -> dict[str, Any]:
    """The plan as JSON, with the first and last ``show`` runs; None is all of them."""
    runs = list(plan) if show is None else [run for run in _ends(plan, show) if run is not None]
    document: dict[str, Any] = {
        "sweep": plan.name,
        "runs": plan.runs,
        "sha256": plan.sha256,
        "steps": [{"name": step.name, "count": step.count, "detail": step.detail} for step in plan.steps],
        "hits": [{"rule": hit.rule, "points": hit.points} for hit in plan.hits],
        "totals": [{"region": one.region, "runtime": one.runtime, "runs": one.runs} for one in plan.totals],
        "files": [{"path": file.path, "sha256": file.sha256} for file in plan.files],
        "uploads": [
            {
                "path": one.file.path,
                "source": str(one.file.source),
                "bytes": one.file.size,
                "sha256": one.file.sha256,
                "runs": one.runs,
            }
            for one in plan.uploads
        ],
        "scripts": [{"uri": script.uri, "runs": script.runs} for script in plan.scripts],
        "environment": list(plan.environment_names),
        "files_outside": outside_files(plan),
        "warnings": [warning.json() for warning in plan.warnings],
        "planned": [_run_json(run) for run in runs],
    }
    if found is not None:
        document["difference"] = _difference_json(found)
    return document


def _difference_json(found: "Difference") -> dict[str, Any]:
    return {
        "new": found.new,
        "gone": found.gone,
        "submitted": found.submitted,
        "changed_files": list(found.files),
        "gone_keys": list(found.gone_keys),
        "new_names": list(found.new_names),
    }


def _ends(plan: Plan, show: int) -> Iterator[PlannedRun | None]:
    """The first and last ``show`` runs, with None in between where runs are left out."""
    runs = iter(plan)
    if plan.runs <= 2 * show:
        yield from runs
        return
    # One pass: a plan renders each run as it is iterated, and may have a million.
    yield from islice(runs, show)
    yield None
    yield from deque(runs, maxlen=show)


def _row(run: PlannedRun) -> tuple[str, ...]:
    payload = json.loads(run.body)
    code = payload.get("runPython") or payload.get("runJar") or {}
    arguments = join(code.get("args", []))  # quoted as a shell would need it, so that blanks are visible
    short = arguments if len(arguments) <= WIDEST_ARGUMENTS else f"{arguments[:WIDEST_ARGUMENTS]}..."
    return str(run.index), run.name, run.region, str(payload.get("runtime", "")), short


def _run_json(run: PlannedRun) -> dict[str, Any]:
    return {
        "index": run.index,
        "key": run.key,
        "name": run.name,
        "region": run.region,
        "payload": json.loads(run.body),
        "point": json.loads(run.point_json),
    }
