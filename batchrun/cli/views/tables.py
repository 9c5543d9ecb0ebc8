"""The tables that more than one command shows."""

from collections.abc import Sequence

from batchrun.cli.output import Table
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
    rows = tuple((f"{why.runs:,}", why.outcome.value, _answer(why), _words(why), _named(why)) for why in reasons)
    head = ("runs", "outcome", "answer", "reason", "for example")
    return Table(title="Not submitted", head=head, rows=rows, right=frozenset({"runs"}))


def _answer(why: Reason) -> str:
    return " ".join(str(word) for word in (why.status, why.code) if word is not None)


def _words(why: Reason) -> str:
    field = f"{why.field}: " if why.field else ""
    suggestion = f"; {why.suggestion}" if why.suggestion else ""
    return f"{field}{why.message or ''}{suggestion}"


def _named(why: Reason) -> str:
    return ", ".join(why.examples) + (", ..." if len(why.examples) < why.runs and why.examples else "")


def ending_table(endings: Sequence[Ending]) -> Table:
    """Every run that was rejected or failed."""
    rows = tuple(
        (
            ending.name,
            ending.outcome.value,
            f"{ending.attempts:,}",
            " ".join(str(word) for word in (ending.status, ending.code) if word is not None),
            ending.message or "",
        )
        for ending in endings
    )
    head = ("name", "outcome", "attempts", "answer", "message")
    return Table(title="Rejected and failed", head=head, rows=rows, right=frozenset({"attempts"}))
