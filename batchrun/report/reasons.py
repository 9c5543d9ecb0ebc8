"""Why runs of a batch are not submitted, one by one and grouped by the words that were given."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from batchrun.errors import Trouble
from batchrun.ledger.fold import BatchState, Outcome

__all__ = ["Ending", "Reason", "endings", "reasons"]

EXAMPLES = 3
_CUT_OFF = Trouble(message="the answer was not written before the process ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Runs with the same outcome and the same trouble."""

    outcome: Outcome
    trouble: Trouble
    runs: int
    examples: tuple[str, ...]
    """The names of the first few; empty for unknown runs, whose names the ledger does not hold."""

    def json(self) -> dict[str, Any]:
        counted = {"runs": self.runs, "examples": self.examples}
        return {"outcome": self.outcome} | asdict(self.trouble) | counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One run that was rejected or failed."""

    key: str
    name: str
    outcome: Outcome
    attempts: int
    trouble: Trouble

    def json(self) -> dict[str, Any]:
        known = {"key": self.key, "name": self.name, "outcome": self.outcome, "attempts": self.attempts}
        return known | asdict(self.trouble)


def reasons(state: BatchState, *, is_running: bool) -> tuple[Reason, ...]:
    """Grouped, the most frequent first; attempts in flight in a running session are no trouble yet."""
    found: dict[tuple[Outcome, Trouble], list[str]] = {}
    for run in state.runs.values():
        if run.outcome in _NOT_SUBMITTED and not (is_running and run.open):
            found.setdefault((run.outcome, run.trouble or _CUT_OFF), []).append(run.name or "")
    grouped = [
        Reason(outcome=outcome, trouble=trouble, runs=len(names), examples=tuple(filter(None, names[:EXAMPLES])))
        for (outcome, trouble), names in found.items()
    ]
    return tuple(sorted(grouped, key=lambda reason: -reason.runs))


_NOT_SUBMITTED = frozenset({Outcome.REJECTED, Outcome.FAILED, Outcome.UNKNOWN})


def endings(state: BatchState) -> Iterator[Ending]:
    """Every run that was rejected or failed, in the order of the ledger."""
    for key, run in state.runs.items():
        if run.trouble is not None and run.outcome in {Outcome.REJECTED, Outcome.FAILED}:
            yield Ending(key=key, name=run.name or "", outcome=run.outcome, attempts=run.n, trouble=run.trouble)
