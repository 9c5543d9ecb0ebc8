"""Why runs were not submitted: grouped by reason, and one by one."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from batchrun.errors import Trouble
from batchrun.ledger.fold import BatchState, Outcome

__all__ = ["FailedRun", "Reason", "failed_runs", "reasons"]

MAX_EXAMPLES = 3
_NOT_SUBMITTED = frozenset({Outcome.REJECTED, Outcome.FAILED, Outcome.UNKNOWN})
_CRASHED = Trouble(message="the process ended before the response was recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Runs that share an outcome and the service's error."""

    outcome: Outcome
    trouble: Trouble
    runs: int
    examples: tuple[str, ...]
    """Names of the first few runs; empty for unknown runs, whose names the ledger does not hold."""

    def json(self) -> dict[str, Any]:
        counted = {"runs": self.runs, "examples": self.examples}
        return {"outcome": self.outcome} | asdict(self.trouble) | counted


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A run that was rejected or failed."""

    key: str
    name: str
    outcome: Outcome
    attempts: int
    trouble: Trouble

    def json(self) -> dict[str, Any]:
        known = {"key": self.key, "name": self.name, "outcome": self.outcome, "attempts": self.attempts}
        return known | asdict(self.trouble)


def reasons(state: BatchState, *, is_running: bool) -> tuple[Reason, ...]:
    """Groups of runs that are not submitted, the largest first.

    While a session is running, its in-flight attempts are left out: they count as unknown, but nothing went wrong yet.
    """
    found: dict[tuple[Outcome, Trouble], list[str]] = {}
    for run in state.runs.values():
        if run.outcome in _NOT_SUBMITTED and not (is_running and run.open):
            found.setdefault((run.outcome, run.trouble or _CRASHED), []).append(run.name or "")
    grouped = [
        Reason(outcome=outcome, trouble=trouble, runs=len(names), examples=tuple(filter(None, names[:MAX_EXAMPLES])))
        for (outcome, trouble), names in found.items()
    ]
    return tuple(sorted(grouped, key=lambda reason: -reason.runs))


def failed_runs(state: BatchState) -> Iterator[FailedRun]:
    """Every run that was rejected or failed, in the order of the ledger."""
    for key, run in state.runs.items():
        if run.trouble is not None and run.outcome in {Outcome.REJECTED, Outcome.FAILED}:
            yield FailedRun(key=key, name=run.name or "", outcome=run.outcome, attempts=run.n, trouble=run.trouble)
