"""What the service really holds against what the ledger says."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from batchrun.engine.batch import plan_of
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.sweep.plan import PlannedRun
from batchrun.wherobots.identity import is_same_payload

__all__ = ["findings", "read"]

Held = dict[str, list[dict[str, Any]]]


def read(path: Path, runs: Iterable[dict[str, Any]], *, is_over: bool) -> tuple[BatchState, list[str]]:
    """The ledger's state and every way in which it does not fit the runs that the service holds.

    ``is_over``: the batch has been carried out, so every planned run must have come to its end.
    """
    state = read_state(path)
    assert state.batch is not None
    plan = list(plan_of(state.batch, path, os.environ))
    by_name: Held = defaultdict(list)
    for run in runs:
        by_name[run["name"]].append(run)
    return state, findings(plan, state, by_name, is_over=is_over)


def findings(plan: list[PlannedRun], state: BatchState, held: Held, *, is_over: bool) -> list[str]:
    found = [f"stray: {name} was never planned" for name in held.keys() - {run.name for run in plan}]
    if len(state.runs) != sum(state.counts.values()) or sum(state.count(one) for one in Outcome) != len(plan):
        found.append("sums: the outcomes do not add up to the plan")
    for run in plan:
        found += _of_one(run, state, held.get(run.name, []), is_over=is_over)
    found += _shared_ids(state)
    return found


def _of_one(run: PlannedRun, state: BatchState, held: list[dict[str, Any]], *, is_over: bool) -> list[str]:
    known, outcome = state.runs.get(run.key), state.outcome(run.key)
    found = []
    if len(held) > 1:
        found.append(f"twice: {run.name} exists {len(held)} times, the ledger says {outcome}")
    if held and known is None:
        found.append(f"lost: {run.name} exists, and the ledger has no attempt of it")
    if outcome is Outcome.SUBMITTED:
        mine = [one for one in held if known is not None and one["id"] == known.run_id]
        if not mine:
            found.append(f"untrue: {run.name} is submitted, and its run id is no run of that name")
        elif not is_same_payload(run.body, mine[0]["payload"]):
            found.append(f"untrue: {run.name} has the payload of another run")
    elif held and outcome is not Outcome.UNKNOWN:
        found.append(f"untrue: {run.name} exists, the ledger says {outcome}")
    if is_over and outcome in {Outcome.PENDING, Outcome.UNKNOWN}:
        found.append(f"unfinished: {run.name} is {outcome} after the end")
    return found


def _shared_ids(state: BatchState) -> list[str]:
    ids = Counter(run.run_id for run in state.runs.values() if run.run_id is not None)
    return [f"untrue: {run_id} is the run of {count} keys" for run_id, count in ids.items() if count > 1]
