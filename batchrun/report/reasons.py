"""Why runs of a batch are not submitted, one by one and grouped by the words that were given."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from batchrun.ledger.fold import BatchState, Outcome, RunState, Trouble

__all__ = ["Ending", "Reason", "endings", "reasons"]

EXAMPLES = 3
_CUT_OFF = Trouble(message="the answer was not written before the process ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Runs with the same outcome for the same words."""

    outcome: Outcome
    status: int | None
    code: str | None
    message: str | None
    field: str | None
    suggestion: str | None
    runs: int
    examples: tuple[str, ...]
    """The names of the first few; empty for unknown runs, whose names the ledger does not hold."""

    def json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One run that was rejected or failed."""

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
    """Grouped, the most frequent first; attempts under way in a running session are no trouble yet."""
    found: dict[tuple[Outcome, Trouble], list[str]] = {}
    for run in state.runs.values():
        if run.outcome in _TOLD and not (is_running and run.open):
            found.setdefault(_group(run), []).append(run.trouble.name if run.trouble is not None else "")
    told = [_reason(outcome, words, names) for (outcome, words), names in found.items()]
    return tuple(sorted(told, key=lambda reason: -reason.runs))


_TOLD = frozenset({Outcome.REJECTED, Outcome.FAILED, Outcome.UNKNOWN})


def _group(run: RunState) -> tuple[Outcome, Trouble]:
    words = run.trouble or _CUT_OFF
    return run.outcome, Trouble(
        status=words.status, code=words.code, message=words.message, field=words.field, suggestion=words.suggestion
    )


def _reason(outcome: Outcome, words: Trouble, names: list[str]) -> Reason:
    return Reason(
        outcome=outcome,
        status=words.status,
        code=words.code,
        message=words.message,
        field=words.field,
        suggestion=words.suggestion,
        runs=len(names),
        examples=tuple(filter(None, names[:EXAMPLES])),
    )


def endings(state: BatchState) -> Iterator[Ending]:
    """Every run that was rejected or failed, in the order of the ledger."""
    for key, run in state.runs.items():
        words = run.trouble
        if words is not None and run.outcome in {Outcome.REJECTED, Outcome.FAILED}:
            yield Ending(
                key=key,
                name=words.name,
                outcome=run.outcome,
                attempts=run.n,
                status=words.status,
                code=words.code,
                message=words.message,
                field=words.field,
                suggestion=words.suggestion,
            )
