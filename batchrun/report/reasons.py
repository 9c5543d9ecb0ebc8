"""Why runs of a batch are not submitted: grouped by reason, and one by one."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from batchrun.ledger.fold import BatchState, Outcome, Trouble

__all__ = ["FailedRun", "Reason", "failed_runs", "reasons"]

MAX_EXAMPLES = 3
_NOT_SUBMITTED = frozenset({Outcome.REJECTED, Outcome.FAILED, Outcome.UNKNOWN})
_CRASHED = Trouble(message="the process ended before the response was recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Runs that share an outcome and the service's error."""

    outcome: Outcome
    status: int | None
    code: str | None
    message: str | None
    field: str | None
    suggestion: str | None
    runs: int
    examples: tuple[str, ...]
    """Names of the first few runs; empty for unknown runs, whose names the ledger does not hold."""

    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A run that was rejected or failed."""

    key: str
    name: str
    outcome: Outcome
    attempts: int
    status: int | None
    code: str | None
    message: str | None
    field: str | None
    suggestion: str | None

    def json(self) -> dict[str, Any]:
        return asdict(self)


def reasons(state: BatchState, *, is_running: bool) -> tuple[Reason, ...]:
    """Groups of runs that are not submitted, the largest first.

    While a session is running, its in-flight attempts are left out: they count as unknown, but nothing went wrong yet.
    """
    names: dict[tuple[Outcome, Trouble], list[str]] = {}
    for run in state.runs.values():
        if run.outcome in _NOT_SUBMITTED and not (is_running and run.open):
            trouble = run.trouble or _CRASHED
            names.setdefault((run.outcome, replace(trouble, name="")), []).append(trouble.name)
    groups = [
        Reason(outcome=outcome, runs=len(runs), examples=tuple(filter(None, runs[:MAX_EXAMPLES])), **_error(trouble))
        for (outcome, trouble), runs in names.items()
    ]
    return tuple(sorted(groups, key=lambda reason: -reason.runs))


def failed_runs(state: BatchState) -> Iterator[FailedRun]:
    """Every run that was rejected or failed, in the order of the ledger."""
    for key, run in state.runs.items():
        trouble = run.trouble
        if trouble is not None and run.outcome in {Outcome.REJECTED, Outcome.FAILED}:
            yield FailedRun(key=key, name=trouble.name, outcome=run.outcome, attempts=run.n, **_error(trouble))


def _error(trouble: Trouble) -> dict[str, Any]:
    """The fields that ``Reason`` and ``FailedRun`` share."""
    error = asdict(trouble)
    del error["name"]
    return error
