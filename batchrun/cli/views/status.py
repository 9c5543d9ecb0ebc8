"""The output of ``batchrun status``."""

from collections.abc import Iterator, Sequence

from batchrun.cli.output import Output
from batchrun.cli.text import duration, numbered
from batchrun.cli.views.tables import failed_runs_table, gone_runs_table, outcome_table, reason_table
from batchrun.ledger.fold import Outcome
from batchrun.report.rows import RunRow
from batchrun.report.summary import Summary
from batchrun.report.writer_state import WriterState

__all__ = ["show_gone", "show_status", "status_lines"]

LABEL_WIDTH = 12


def show_status(summary: Summary, output: Output, *, failed: bool) -> None:
    """Counts, details and the reasons for failures; with ``failed``, also every rejected and failed run."""
    output.table(outcome_table(summary.name, summary.outcomes, summary.planned))
    for label, text in status_lines(summary):
        output.say(f"{label + ':':<{LABEL_WIDTH}}{text}")
    if summary.reasons:
        output.table(reason_table(summary.reasons))
    if failed and summary.failed_runs:
        output.table(failed_runs_table(summary.failed_runs))
    elif failed:
        output.say("no runs are rejected or failed")


def show_gone(gone: Sequence[RunRow], output: Output) -> None:
    """The runs that left the plan, and that exist or may exist."""
    if gone:
        output.table(gone_runs_table(gone))
    else:
        output.say("the plan contains every created run of this batch")


def status_lines(summary: Summary) -> Iterator[tuple[str, str]]:
    """A label and its text for each notable fact; anything that never happened is left out."""
    if summary.under_way:
        yield (
            "in flight",
            f"{numbered(summary.under_way, 'attempt')}, counted as unknown until the response is recorded",
        )
    if (unknown := summary.outcomes[Outcome.UNKNOWN] - summary.under_way) > 0:
        yield (
            "unknown",
            f"{numbered(unknown, 'run')} may exist; batchrun resume settles them, batchrun resolve handles the rest",
        )
    yield "service", summary.base_url
    yield "writer", _writer(summary)
    yield "attempts", f"{summary.attempts:,}{_refused(summary)}"
    if summary.settled:
        yield "settled", f"{numbered(summary.settled, 'run')} found by listing after a lost response"
    if summary.duplicates:
        copies = f"{numbered(len(summary.duplicates), 'run')} created more than once at the service"
        yield "duplicates", f"{copies}; batchrun verify names them"
    if summary.gone:
        counts = " and ".join(f"{count:,} {outcome.value}" for outcome, count in summary.gone.items())
        yield "left plan", f"{counts}, which the sweep no longer contains; status --gone lists them"
    if summary.run_status:
        yield "run status", ", ".join(f"{count:,} {name}" for name, count in summary.run_status.items())
    yield "sessions", f"{summary.sessions:,}{_latest_session(summary)}"


def _refused(summary: Summary) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.refused.items())
    return f" (temporarily refused: {reasons})" if reasons else ""


def _writer(summary: Summary) -> str:
    session = summary.session
    if session is None:
        return "none; no session yet"
    process = f"process {session.pid} on {session.host}"
    match summary.writer:
        case WriterState.NONE:
            return f"none; last session ended: {(session.reason or 'no reason recorded').replace('_', ' ')}"
        case WriterState.RUNNING:
            return f"{process}, since {session.at}"
        case WriterState.CRASHED:
            return f"none; {process} died without ending its session; resume to check its last attempts"
        case WriterState.REMOTE:
            return f"possibly {process}, since {session.at}; cannot be verified from this machine"


def _latest_session(summary: Summary) -> str:
    if not summary.sessions or not summary.session_submitted:
        return ""
    submitted = f"{summary.session_submitted:,} submitted in {duration(summary.session_s)}"
    return f"; latest: {submitted} ({summary.rate_per_s:,.1f}/s)"
