"""A ledger's earlier runs, as defined by the plans that it records.

A changed setting gives a point another key under the same name. If the response to the earlier attempt was lost, its name
alone does not tell its run from the new one, nor from a stranger's.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from batchrun.engine.batch import plan_of
from batchrun.errors import ManifestError
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.ledger.reader import read_batches
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["earlier_runs", "runtimes_of"]


def earlier_runs(plan: Plan | None, state: BatchState, ledger: Path) -> dict[str, PlannedRun]:
    """Unknown runs that the plan does not contain, by key; all of them where there is no plan.

    Values of the environment are left as ``<env.NAME>``. Runs are missing whose plan cannot be rebuilt, as when a data file
    changed, and reruns, which may have had other settings.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    left = {key for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN and run.generation == 1}
    if left and plan is not None:
        left -= {run.key for run in plan}
    found: dict[str, PlannedRun] = {}
    for earlier in _plans(ledger) if left else ():
        found |= {run.key: run for run in earlier if run.key in left}
        if len(found) == len(left):
            break
    return found


def runtimes_of(state: BatchState, ledger: Path) -> dict[str, str]:
    """The runtime of each run by key, as its latest generation has it. Runs whose plan cannot be rebuilt are missing.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    left, found = set(state.runs), dict[str, str]()
    for plan in _plans(ledger):
        found |= {run.key: _runtime(run, state.runs[run.key]) for run in plan if run.key in left}
        left -= found.keys()
        if not left:
            break
    return found


def _runtime(planned: PlannedRun, known: RunState) -> str:
    runtime: str = (known.overrides or {}).get("runtime") or json.loads(planned.body)["runtime"]
    return runtime


def _plans(ledger: Path) -> Iterator[Plan]:
    """The plans of a ledger that can be rebuilt, latest first."""
    for batch in reversed(read_batches(ledger)):
        try:
            yield plan_of(batch, ledger, os.environ, resolve=False)
        except ManifestError:
            continue
