"""What ``batchrun verify`` and ``batchrun ledger check`` say, against what the audit sees."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from batchrun.ledger.fold import BatchState, Outcome
from tests.chaos.audit import Held, alive

__all__ = ["Seen", "check_findings", "expected", "report", "verify_findings"]

Seen = dict[tuple[str, str], frozenset[str]]
"""The ids at the service that a finding is about, by its kind and name."""


def report(words: list[str], environ: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """The exit status of a command, and its document."""
    command = [sys.executable, "-m", "batchrun", *words, "--json"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    try:
        document: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        return ended.returncode, {"error": ended.stdout[-300:] + ended.stderr[-300:]}
    return ended.returncode, document


def expected(state: BatchState, names: dict[str, str], held: Held) -> Seen:
    """What `verify` must say of a ledger; ``names`` are those of the planned runs, by key."""
    seen: Seen = {}
    by_id = {one["id"] for runs in held.values() for one in alive(runs)}
    for key, name in names.items():
        known, outcome = state.runs.get(key), state.outcome(key)
        mine = known.run_id if known is not None else None
        others = frozenset(one["id"] for one in alive(held.get(name, [])) if one["id"] != mine)
        if mine is not None and mine not in by_id:
            seen["missing", name] = frozenset()
        if outcome is Outcome.UNKNOWN:
            seen["unknown", name] = others
        elif others:
            seen["twice" if outcome is Outcome.SUBMITTED else "foreign", name] = others
    return seen


def verify_findings(status: int, said: dict[str, Any], seen: Seen, state: BatchState, *, is_odd: bool) -> Iterator[str]:
    """``is_odd``: payloads come back changed, so which of the runs are the batch's own is not beyond doubt."""
    if "findings" not in said:
        yield f"verify: no report, exit status {status}: {said}"
        return
    told = {(one["kind"], one["name"]): frozenset(run["run_id"] for run in one["held"]) for one in said["findings"]}
    is_clean = not told and not said["not_checked"]
    if status != (0 if is_clean else 1):
        yield f"verify: exit status {status} with {len(told)} findings and {len(said['not_checked'])} doubts"
    if said["not_checked"]:
        return  # it does not claim to have seen everything
    yield from (
        f"verify is silent: {kind} {name} {sorted(seen[kind, name])}" for kind, name in seen.keys() - told.keys()
    )
    yield from (f"verify invents: {kind} {name} {sorted(told[kind, name])}" for kind, name in told.keys() - seen.keys())
    for kind, name in seen.keys() & told.keys():
        # What a person declared to be another batch's is shown beside a run that is unknown: it helps to decide.
        is_same = seen[kind, name] <= told[kind, name] if kind == "unknown" else seen[kind, name] == told[kind, name]
        if not is_same:
            yield f"verify: {kind} {name} {sorted(told[kind, name])}, and not {sorted(seen[kind, name])}"
    if not is_odd:
        yield from _cancel_findings(said["findings"], seen, state)


def _cancel_findings(told: Iterable[dict[str, Any]], seen: Seen, state: BatchState) -> Iterator[str]:
    """What was made in addition by a name that was sent more than once is to be cancelled."""
    for one in told:
        if one["kind"] == "twice" and state.runs[one["key"]].n > 1:
            extra = seen.get(("twice", one["name"]), frozenset())
            if set(one["to_cancel"]) != extra:
                yield f"verify: of {one['name']}, cancel {one['to_cancel']}, and not {sorted(extra)}"


def check_findings(status: int, said: dict[str, Any], state: BatchState) -> Iterator[str]:
    """`ledger check` reports the duplicates that the ledger knows, and nothing else."""
    if "findings" not in said:
        yield f"check: no report, exit status {status}: {said}"
        return
    facts: list[str] = [one["fact"] for one in said["findings"]]
    yield from (f"check: {fact}" for fact in facts if not fact.startswith("the service holds"))
    for key, run_ids in state.duplicates.items():
        if not any(key in fact and all(one in fact for one in run_ids) for fact in facts):
            yield f"check is silent: {key} has duplicates"
    if status != (4 if facts else 0):
        yield f"check: exit status {status} with {len(said['findings'])} findings"
