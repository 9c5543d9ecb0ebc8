"""Later generations: the name and payload of a planned run when it is rerun.

A rerun keeps the key of its planned run, whatever settings it replaces, so that a ledger still knows what it is a run of.
Its name tells the generations apart: the name is all that a run can be looked for by.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from batchrun.engine.rerun_names import rerun_name
from batchrun.errors import UsageError
from batchrun.ledger.state import BatchState, Outcome, RunState
from batchrun.sweep.local_file import UploadPlan
from batchrun.sweep.plan import Plan, PlannedRun, build_plan
from batchrun.wherobots.identity import canonical_json

__all__ = ["Generations", "generations_of", "next_generations", "planned_with"]

LIVE = frozenset({Outcome.PENDING, Outcome.UNKNOWN, Outcome.REJECTED, Outcome.FAILED})
"""Outcomes of runs that may still be sent or looked for."""


@dataclass(frozen=True, slots=True)
class Generations:
    """The runs of a plan as their present generation sends them; a first generation is as planned."""

    runs: Mapping[str, PlannedRun] = field(default_factory=dict)
    uploads: tuple[UploadPlan, ...] = ()
    """Local files that reruns use and the plan does not."""

    def planned(self, run: PlannedRun) -> PlannedRun:
        """A planned run as it is sent now."""
        return self.runs.get(run.key, run)


def generations_of(plan: Plan, state: BatchState) -> Generations:
    """Every run that is to be created once more, or was and may have to be looked for; plans again what settings replace.

    Raises:
        UsageError: settings were replaced, and the plan came from a file that cannot be planned again.
        ManifestError: the sweep can no longer be planned with those settings.

    """
    live = {key: run for key, run in state.runs.items() if run.generation > 1 and run.outcome in LIVE}
    if not live:
        return Generations()
    taken = _taken(plan, live)
    groups: defaultdict[str, dict[str, RunState]] = defaultdict(dict)
    for key, run in live.items():
        groups[json.dumps(run.overrides or {}, sort_keys=True)][key] = run
    runs: dict[str, PlannedRun] = {}
    uploads: list[UploadPlan] = []
    # Planned once for each set of settings, and not for each run: most reruns of a batch share theirs.
    for settings, members in groups.items():
        changed = planned_with(plan, json.loads(settings))
        uploads += changed.uploads if changed is not plan else ()
        for original, rerun in zip(plan, changed, strict=True):
            if (member := members.get(original.key)) is not None:
                name = rerun_name(original.name, original.key, member.generation, taken)
                runs[original.key] = _renamed(rerun, original.key, name)
    return Generations(runs, tuple(uploads))


def _taken(plan: Plan, live: Mapping[str, RunState]) -> set[str]:
    """Names of the plan that the name of a rerun could collide with."""
    suffixes = tuple({f"-r{run.generation}" for run in live.values()})
    return {run.name for run in plan if run.name.endswith(suffixes)}


def planned_with(plan: Plan, settings: Mapping[str, object]) -> Plan:
    """The same points with some ``[run]`` settings replaced.

    Raises:
        UsageError: the plan came from a file.
        ManifestError: it cannot be planned with these settings.

    """
    if not settings:
        return plan
    if plan.manifest is None:
        fact = "a plan file is fixed: its runs cannot be rerun with different settings"
        raise UsageError("--set", fact, "rerun them without --set, or submit the manifest itself")
    recorded = {upload.file.path: upload.file for upload in plan.uploads}
    environ = (
        None if plan.unresolved else {**os.environ, **plan.environment}
    )  # a replaced setting may use another value
    return build_plan(plan.manifest.with_rerun(settings), environ=environ, recorded_files=recorded)


def _renamed(run: PlannedRun, key: str, name: str) -> PlannedRun:
    keyed = run.keyed_body
    return msgspec.structs.replace(
        run,
        key=key,
        name=name,
        body=_with_name(run.body, name),
        keyed_body=None if keyed is None else _with_name(keyed, name),
    )


def _with_name(body: bytes, name: str) -> bytes:
    return canonical_json(json.loads(body) | {"name": name})


def next_generations(keys: Iterable[str], state: BatchState) -> dict[int, list[str]]:
    """Keys by the generation that each of them gets next."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for key in keys:
        found[state.runs[key].generation + 1].append(key)
    return dict(found)
