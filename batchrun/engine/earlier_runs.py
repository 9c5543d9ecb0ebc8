"""What unknown runs were that the plan does not contain: as the earlier plans had them that the ledger records.

A changed setting gives a point another key under the same name. If the response to the earlier attempt was lost, its name
alone does not tell its run from the new one, nor from a stranger's.
"""

import os
from pathlib import Path

from batchrun.engine.batch import plan_of
from batchrun.errors import ManifestError
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_batches
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["earlier_runs"]

FIRST_GENERATION = 1


def earlier_runs(plan: Plan | None, state: BatchState, ledger: Path) -> dict[str, PlannedRun]:
    """Unknown runs that the plan does not contain, by key; all of them where there is no plan.

    Values of the environment are left as ``<env.NAME>``. Runs are missing whose plan cannot be made again, as when a data file
    changed, and reruns, which may have had other settings.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    left = {
        key for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN and run.generation == FIRST_GENERATION
    }
    if left and plan is not None:
        left -= {run.key for run in plan}
    found: dict[str, PlannedRun] = {}
    for batch in reversed(read_batches(ledger)) if left else ():
        try:
            earlier = plan_of(batch, ledger, os.environ, resolve=False)
        except ManifestError:
            continue
        found |= {run.key: run for run in earlier if run.key in left}
        if len(found) == len(left):
            break
    return found
