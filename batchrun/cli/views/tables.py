"""Tables that more than one command shows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from batchrun.cli.output import Table
from batchrun.errors import Trouble
from batchrun.ledger.fold import Outcome

if TYPE_CHECKING:
    from batchrun.report.reasons import FailedRun, Reason
    from batchrun.report.rows import RunRow

__all__ = ["OUTCOMES", "failed_runs_table", "gone_runs_table", "outcome_table", "reason_table", "status_table"]

OUTCOMES = (
    Outcome.SUBMITTED,
    Outcome.REJECTED,
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.DROPPED,
    Outcome.PENDING,
)
"""In the order in which they are shown, the desired one first."""


def outcome_table(name: str, outcomes: dict[Outcome, int], planned: int) -> Table:
    """The number of runs with each outcome, and their total."""
    # Dropping a run is a rare decision: without one, the line would only raise a question.
    shown = [outcome for outcome in OUTCOMES if outcome is not Outcome.DROPPED or outcomes[outcome]]
    rows = [(outcome.value, f"{outcomes[outcome]:,}") for outcome in shown]
    rows.append(("planned", f"{planned:,}"))
    return Table(title=name, head=("outcome", "runs"), rows=tuple(rows), right=frozenset({"runs"}))


def status_table(name: str, counts: Mapping[str, int], planned: int) -> Table:
    """The number of runs with each status, most frequent first, and the number of planned ones."""
    rows = [(label, f"{count:,}") for label, count in sorted(counts.items(), key=lambda item: -item[1])]
    rows.append(("planned", f"{planned:,}"))
    return Table(title=name, head=("status", "runs"), rows=tuple(rows), right=frozenset({"runs"}))


def reason_table(reasons: Sequence["Reason"]) -> Table:
    """Why runs are not submitted, most frequent first."""
    rows = tuple(
        (f"{why.runs:,}", why.outcome.value, _response(why.trouble), _message(why.trouble), _examples(why))
        for why in reasons
    )
    head = ("runs", "outcome", "response", "reason", "examples")
    return Table(title="Not submitted", head=head, rows=rows, right=frozenset({"runs"}))


def failed_runs_table(runs: Sequence["FailedRun"]) -> Table:
    """Every run that was rejected or failed."""
    rows = tuple(
        (run.name, run.outcome.value, f"{run.attempts:,}", _response(run.trouble), run.trouble.message or "")
        for run in runs
    )
    head = ("name", "outcome", "attempts", "response", "message")
    return Table(title="Rejected and failed", head=head, rows=rows, right=frozenset({"attempts"}))


def gone_runs_table(runs: Sequence["RunRow"]) -> Table:
    """Runs that exist, or may exist, and that the plan no longer contains."""
    rows = tuple((run.name, run.run_id or "", run.outcome.value, run.status or "") for run in runs)
    return Table(title="No longer in the plan", head=("name", "run id", "outcome", "run status"), rows=rows)


def _response(trouble: Trouble) -> str:
    """HTTP status and error code, as far as there was a response."""
    return " ".join(str(part) for part in (trouble.status, trouble.code) if part is not None)


def _message(trouble: Trouble) -> str:
    field = f"{trouble.field}: " if trouble.field else ""
    suggestion = f"; {trouble.suggestion}" if trouble.suggestion else ""
    return f"{field}{trouble.message or ''}{suggestion}"


def _examples(why: "Reason") -> str:
    return ", ".join(why.examples) + (", ..." if len(why.examples) < why.runs and why.examples else "")
