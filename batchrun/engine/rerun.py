"""Rerun created runs: which ones may be rerun, and the durable request that a session carries out."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread

from batchrun.engine.generations import next_generations
from batchrun.errors import Problem, UsageError
from batchrun.ledger.events import RerunEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from batchrun.ledger.state import BatchState, Outcome
from batchrun.ledger.statuses import has_ended
from batchrun.sweep.plan import Demand, Plan
from batchrun.wherobots.enums import RunStatus

__all__ = ["ENDED_BADLY", "demands_of", "failed_runs", "refusals", "request_rerun", "request_rerun_of_failed"]

ENDED_BADLY = (RunStatus.FAILED.value, RunStatus.TIMED_OUT.value, RunStatus.CANCELLED.value)
"""Statuses that are rerun by default."""
FAILED = frozenset({RunStatus.FAILED.value, RunStatus.TIMED_OUT.value})
"""Statuses that are rerun automatically: a cancelled run was ended on purpose."""


def refusals(keys: Iterable[str], state: BatchState) -> list[Problem]:
    """Why some of these runs cannot be rerun, one problem per reason."""
    reasons: Counter[tuple[str, str, str]] = Counter()
    for key in keys:
        if (reason := _reason(key, state)) is not None:
            reasons[reason] += 1
    return [
        Problem("rerun", f"{count:,} of the runs {one if count == 1 else many}", fix)
        for (one, many, fix), count in reasons.items()
    ]


def _reason(key: str, state: BatchState) -> tuple[str, str, str] | None:
    """The reason for one run, for several, and the fix; None where the run can be rerun."""
    run = state.runs[key]
    if not run.is_planned:
        return "is no longer in the plan", "are no longer in the plan", "extend the batch to a sweep that contains them"
    if run.outcome is Outcome.UNKNOWN:
        fact = "may or may not exist"
        return fact, fact, "resume first to settle this, or decide with batchrun resolve"
    if run.outcome is not Outcome.SUBMITTED:
        fix = "send with batchrun submit; add --retry rejected,failed if needed"
        return "was never created", "were never created", fix
    if not has_ended(run.status):
        fact, fix = "not ended, according to the ledger", "follow with batchrun watch first, or cancel"
        return f"has {fact}", f"have {fact}", fix
    return None


async def request_rerun(ledger: FileLedger, keys: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Record durably that these runs are to be created once more, with some ``[run]`` settings replaced.

    The next session of the batch creates them: ``submit``, or ``batchrun resume``. ``settings`` are those that
    ``rerun_settings`` returned.

    Raises:
        UsageError: some of them cannot be rerun; nothing was recorded.
        LedgerWriteError: the request could not be made durable.

    """
    if problems := refusals(keys, ledger.state):
        raise UsageError.of(problems)
    # An event names one generation, and some of these runs may have been rerun more often than others.
    for generation, members in next_generations(keys, ledger.state).items():
        event = RerunEvent(at=ledger.clock.stamp(), keys=members, generation=generation, overrides=dict(settings))
        await ledger.record_durably(event)


def failed_runs(state: BatchState, most: int) -> list[str]:
    """The keys of planned runs that failed or timed out, and that were rerun fewer than ``most`` times."""
    return [
        key
        for key, run in state.runs.items()
        if run.is_planned and run.outcome is Outcome.SUBMITTED and run.status in FAILED and run.generation <= most
    ]


async def request_rerun_of_failed(path: Path, most: int) -> int:
    """Record durably that runs that failed or timed out are to be rerun, each as it was sent last; returns how many.

    The next session of the batch creates them. Without such a run, the ledger is not locked.

    Raises:
        LedgerError: the ledger cannot be read or written, or another process is writing it.

    """
    if not failed_runs(await anyio.to_thread.run_sync(read_state, path), most):
        return 0
    with FileLedger.open(path) as ledger:
        groups: dict[str, list[str]] = {}
        # Selected again under the lock: another process may have requested some of them meanwhile.
        for key in failed_runs(ledger.state, most):
            settings = json.dumps(ledger.state.runs[key].overrides or {}, sort_keys=True)
            groups.setdefault(settings, []).append(key)
        for settings, keys in groups.items():
            await request_rerun(ledger, keys, json.loads(settings))
    return sum(map(len, groups.values()))


def demands_of(plan: Plan, changed: Plan, keys: Iterable[str]) -> list[Demand]:
    """What running these keys again asks for; ``changed`` is the plan with the replaced settings."""
    wanted, found = set(keys), Counter[tuple[str, str, int]]()
    for original, rerun in zip(plan, changed, strict=True):
        if original.key in wanted:
            payload = rerun.payload
            found[rerun.region, payload.runtime.value, payload.timeout_seconds] += 1
    return [Demand(region, runtime, timeout_s, runs) for (region, runtime, timeout_s), runs in sorted(found.items())]
