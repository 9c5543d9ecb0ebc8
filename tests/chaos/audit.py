"""What the service really holds against what the ledger says."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from batchrun.ledger.check import check
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import AttemptEvent, DuplicatesEvent, SessionEvent
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_events, read_state
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.identity import is_same_payload

__all__ = ["Allowed", "Held", "alive", "findings", "held_by_name", "read"]

Held = dict[str, list[dict[str, Any]]]

LAG_S = 0.3
"""How far the service's list lags behind, at most."""
LOOK_S = 1.0
"""Between the last look at a name and the attempt's line in the ledger, at most, on a busy machine."""
DATE_S = 0.6
"""What the offset of a clock that is wrong is known to: ``Date`` headers have whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a round's service makes unavoidable, and what therefore is no finding."""

    odd: bool = False
    """Payloads come back changed: a lost run that exists may stay unknown."""
    late: bool = False
    """Commits may come after ``settle_after``: a run may be made twice if none was visible when the later attempt was sent,
    and if the ledger reports what its last look could see. `verify` must report it in any case."""


def held_by_name(runs: Iterable[dict[str, Any]], state: BatchState) -> Held:
    """The runs at the service that the ledger's person did not declare to be another batch's."""
    by_name: Held = defaultdict(list)
    for run in runs:
        if run["id"] not in state.foreign:
            by_name[run["name"]].append(run)
    return by_name


def alive(held: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that were not deleted, the oldest first."""
    return sorted((one for one in held if one["deletedAt"] is None), key=_created_s)


def read(
    path: Path, whole: Plan, planned: Plan, runs: Iterable[dict[str, Any]], *, is_over: bool, allowed: Allowed
) -> tuple[BatchState, list[str]]:
    """The ledger's state and every way in which it does not fit the runs that the service holds.

    ``whole`` are all runs that were ever planned, ``planned`` those of today. ``is_over``: the batch has been carried out,
    so every planned run must have come to its end.
    """
    state = read_state(path)
    by_name = held_by_name(runs, state)
    found = findings(whole, state, by_name, _times(path), allowed=allowed)
    if is_over:
        found += _unfinished(planned, state, by_name, allowed)
    facts = [one.fact for one in check(path).findings]
    found += [f"check: {fact}" for fact in facts if not fact.startswith("the service holds")]
    return state, found


def findings(whole: Plan, state: BatchState, held: Held, times: dict[str, "_Times"], *, allowed: Allowed) -> list[str]:
    found = [f"stray: {name} was never planned" for name in held.keys() - {run.name for run in whole}]
    assert state.batch is not None
    if sum(state.count(one) for one in Outcome) != state.batch.runs:
        found.append("sums: the outcomes do not add up to the plan")
    if len(state.runs) != sum(state.counts.values()) + sum(state.gone.values()):
        found.append("sums: the outcomes do not add up to the runs that are known")
    for run in whole:
        mine = held.get(run.name, [])
        found += _of_one(run, state, mine, allowed)
        found += _twice(run, state, mine, times[run.key], allowed)
    found += _shared_ids(state)
    return found


def _of_one(run: PlannedRun, state: BatchState, held: list[dict[str, Any]], allowed: Allowed) -> Iterator[str]:
    known, outcome = state.runs.get(run.key), state.outcome(run.key)
    if alive(held) and known is None:
        yield f"lost: {run.name} exists, and the ledger has no attempt of it"
    if outcome is Outcome.SUBMITTED:
        mine = [one for one in held if known is not None and one["id"] == known.run_id]
        if not mine:
            yield f"untrue: {run.name} is submitted, and its run id is no run of that name"
        elif not is_same_payload(run.keyed_body or run.body, mine[0]["payload"]):
            yield f"untrue: {run.name} has the payload of another run"
    elif alive(held) and outcome is not Outcome.UNKNOWN and not (allowed.late and known is not None and known.since_s):
        yield f"untrue: {run.name} exists, the ledger says {outcome}"


def _twice(
    run: PlannedRun, state: BatchState, held: list[dict[str, Any]], times: "_Times", allowed: Allowed
) -> Iterator[str]:
    """A name that exists more than once."""
    outcome, made = state.outcome(run.key), alive(held)
    if len(made) < 2:
        return
    fact, first_s = f"twice: {run.name} exists {len(made)} times, the ledger says {outcome}", _created_s(made[0])
    if not allowed.late:
        yield fact
    elif too_late := [at_s for at_s in times.sent if at_s > first_s + LAG_S + LOOK_S + DATE_S]:
        yield f"{fact}, and sent it {too_late[-1] - first_s:.1f} s after the first was created"
    elif outcome is Outcome.SUBMITTED and run.key not in state.to_check:
        known = {state.runs[run.key].run_id, *state.duplicates.get(run.key, ())}
        silent = [
            one["id"] for one in made if one["id"] not in known and _created_s(one) < times.looked_s - LAG_S - DATE_S
        ]
        if silent:
            yield f"{fact}, and nothing of {', '.join(silent)}"


@dataclass(slots=True)
class _Times:
    """Of one key, in epoch seconds of the server's clock."""

    sent: list[float] = field(default_factory=list)
    """When each attempt was recorded."""
    looked_s: float = inf
    """When its name was looked for once more after it was submitted; if it never was, it should have been by now."""


def _times(path: Path) -> dict[str, _Times]:
    times: dict[str, _Times] = defaultdict(_Times)
    offset_s = 0.0
    for event in read_events(path):
        if type(event) is SessionEvent and event.action == "start":
            offset_s = event.server_offset_s or 0.0
        elif type(event) is AttemptEvent:
            times[event.key].sent.append(epoch_seconds(event.at) + offset_s)
        elif type(event) is DuplicatesEvent and event.is_whole:
            times[event.key].looked_s = epoch_seconds(event.at) + offset_s
    return times


def _created_s(run: dict[str, Any]) -> float:
    return epoch_seconds(run["createTime"])


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
