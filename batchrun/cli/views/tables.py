"""The tables that more than one command shows."""

from collections.abc import Sequence

from batchrun.cli.output import Table
from batchrun.errors import Trouble
from batchrun.ledger.fold import Outcome
from batchrun.report.reasons import Ending, Reason

__all__ = ["OUTCOMES", "ending_table", "outcome_table", "reason_table"]

OUTCOMES = (Outcome.SUBMITTED, Outcome.REJECTED, Outcome.FAILED, Outcome.UNKNOWN, Outcome.PENDING)


def outcome_table(name: str, outcomes: dict[Outcome, int], planned: int) -> Table:
    """Each outcome and what they add up to."""
    rows = [(outcome.value, f"{outcomes[outcome]:,}") for outcome in OUTCOMES]
    rows.append(("planned", f"{planned:,}"))
    return Table(title=name, head=("outcome", "runs"), rows=tuple(rows), right=frozenset({"runs"}))


def reason_table(reasons: Sequence[Reason]) -> Table:
    """Why runs are not submitted, most frequent first."""
    rows = tuple(
        (f"{why.runs:,}", why.outcome.value, _answer(why.trouble), _message(why.trouble), _named(why))
        for why in reasons
    )
    head = ("runs", "outcome", "answer", "reason", "for example")
    return Table(title="Not submitted", head=head, rows=rows, right=frozenset({"runs"}))


def _answer(trouble: Trouble) -> str:
    return " ".join(str(word) for word in (trouble.status, trouble.code) if word is not None)


def _message(trouble: Trouble) -> str:
    field = f"{trouble.field}: " if trouble.field else ""
    suggestion = f"; {trouble.suggestion}" if trouble.suggestion else ""
    return f"{field}{trouble.message or ''}{suggestion}"


def _named(why: Reason) -> str:
    return ", ".join(why.examples) + (", ..." if len(why.examples) < why.runs and why.examples else "")


def ending_table(endings: Sequence[Ending]) -> Table:
    """Every run that was rejected or failed."""
    rows = tuple(
        (
            ending.name,
            ending.outcome.value,
            f"{ending.attempts:,}",
            _answer(ending.trouble),
            ending.trouble.message or "",
        )
        for ending in endings
    )
    head = ("name", "outcome", "attempts", "answer", "message")
    return Table(title="Rejected and failed", head=head, rows=rows, right=frozenset({"attempts"}))
