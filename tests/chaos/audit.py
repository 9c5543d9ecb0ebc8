"""What the service really holds against what the ledger says."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrun.ledger.check import check
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.identity import is_same_payload

__all__ = ["Allowed", "findings", "read"]

Held = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a round's service makes unavoidable, and what therefore is no finding."""

    odd: bool = False
    """Payloads come back changed: a lost run that exists may stay unknown."""
    late: bool = False
    """Commits may come after ``settle_after``: a run may be made twice if the ledger says so, or could not see it yet."""
    looked_until_s: float = 0.0
    """Epoch seconds of the last session's end: what was created later, no session can have reported."""


def read(
    path: Path, whole: Plan, planned: Plan, runs: Iterable[dict[str, Any]], *, is_over: bool, allowed: Allowed
) -> tuple[BatchState, list[str]]:
    """The ledger's state and every way in which it does not fit the runs that the service holds.

    ``whole`` are all runs that were ever planned, ``planned`` those of today. ``is_over``: the batch has been carried out,
    so every planned run must have come to its end.
    """
    state = read_state(path)
    by_name: Held = defaultdict(list)
    for run in runs:
        if run["id"] not in state.foreign:
            by_name[run["name"]].append(run)
    found = findings(whole, state, by_name, allowed=allowed)
    if is_over:
        found += _unfinished(planned, state, by_name, allowed)
    facts = [one.fact for one in check(path).findings]
    reported = {key for key in state.duplicates if any(key in fact for fact in facts)}
    found += [f"check: {fact}" for fact in facts if not fact.startswith("the service holds")]
    found += [f"check is silent: {key} has duplicates" for key in state.duplicates.keys() - reported]
    return state, found


def findings(whole: Plan, state: BatchState, held: Held, *, allowed: Allowed) -> list[str]:
    found = [f"stray: {name} was never planned" for name in held.keys() - {run.name for run in whole}]
    assert state.batch is not None
    if sum(state.count(one) for one in Outcome) != state.batch.runs:
        found.append("sums: the outcomes do not add up to the plan")
    if len(state.runs) != sum(state.counts.values()) + sum(state.gone.values()):
        found.append("sums: the outcomes do not add up to the runs that are known")
    for run in whole:
        found += _of_one(run, state, held.get(run.name, []), allowed)
    found += _shared_ids(state)
    return found


def _of_one(run: PlannedRun, state: BatchState, held: list[dict[str, Any]], allowed: Allowed) -> list[str]:
    known, outcome = state.runs.get(run.key), state.outcome(run.key)
    alive = [one for one in held if one["deletedAt"] is None]
    found = []
    if len(alive) > 1 and not (allowed.late and _is_owned_up_to(run.key, state, alive, allowed)):
        found.append(f"twice: {run.name} exists {len(alive)} times, the ledger says {outcome}")
    if alive and known is None:
        found.append(f"lost: {run.name} exists, and the ledger has no attempt of it")
    if outcome is Outcome.SUBMITTED:
        mine = [one for one in held if known is not None and one["id"] == known.run_id]
        if not mine:
            found.append(f"untrue: {run.name} is submitted, and its run id is no run of that name")
        elif not is_same_payload(run.keyed_body or run.body, mine[0]["payload"]):
            found.append(f"untrue: {run.name} has the payload of another run")
    elif alive and outcome is not Outcome.UNKNOWN and not (allowed.late and known is not None and known.since_s):
        found.append(f"untrue: {run.name} exists, the ledger says {outcome}")
    return found


def _is_owned_up_to(key: str, state: BatchState, alive: list[dict[str, Any]], allowed: Allowed) -> bool:
    """Whether the ledger names the further runs, still has them to look for, or could not see them yet."""
    if state.duplicates.get(key) or key in state.to_check or state.outcome(key) is not Outcome.SUBMITTED:
        return True
    return max(epoch_seconds(one["createTime"]) for one in alive) > allowed.looked_until_s


def _unfinished(planned: Plan, state: BatchState, held: Held, allowed: Allowed) -> list[str]:
    found = []
    for run in planned:
        outcome, mine = state.outcome(run.key), held.get(run.name, [])
        is_excused = outcome is Outcome.UNKNOWN and (
            (allowed.odd and mine) or any(one["deletedAt"] is not None for one in mine)
        )
        if outcome in {Outcome.PENDING, Outcome.UNKNOWN} and not is_excused:
            found.append(f"unfinished: {run.name} is {outcome} after the end")
    return found


def _shared_ids(state: BatchState) -> list[str]:
    ids = Counter(run.run_id for run in state.runs.values() if run.run_id is not None)
    return [f"untrue: {run_id} is the run of {count} keys" for run_id, count in ids.items() if count > 1]
