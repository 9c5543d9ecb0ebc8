"""``batchrun status``."""

from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.output import Output
from batchrun.cli.text import duration, numbered
from batchrun.cli.views.tables import ending_table, outcome_table, reason_table
from batchrun.report.summary import Summary, read_summary
from batchrun.report.writing import Writing

__all__ = ["EXAMPLES", "status"]

EXAMPLES = """
Examples:

\b
  batchrun status sweep.ledger.jsonl
      counts by outcome, why runs failed, who is writing
  batchrun status sweep.ledger.jsonl --failed
      every rejected and failed run, with the service's words
  batchrun status sweep.ledger.jsonl --json | jq .outcomes
      for programs
"""

Failed = Annotated[bool, typer.Option("--failed", help="List every run that was rejected or failed.")]


def status(ledger: o.LedgerArgument, *, failed: Failed = False, as_json: o.Json = False) -> int:
    """Tell how a batch stands, from its ledger alone.

    Works while the batch is being submitted and needs neither the network nor a key. The exit status is 0 whenever the
    ledger could be read.
    """
    summary, output = read_summary(ledger), Output(as_json=as_json)
    _show(summary, output)
    if failed:
        output.table(ending_table(summary.endings))
    document = summary.json() | {"ledger": str(ledger)}
    if failed:
        document["runs"] = [ending.json() for ending in summary.endings]
    output.document(document)
    return 0


def _show(summary: Summary, output: Output) -> None:
    output.table(outcome_table(summary.name, summary.outcomes, summary.planned))
    if summary.under_way:
        output.say(f"of the unknown, {numbered(summary.under_way, 'attempt')} under way right now")
    output.say(f"service:  {summary.base_url}")
    output.say(f"writer:   {_writer(summary)}")
    output.say(f"attempts: {summary.attempts:,}{_refused(summary)}")
    if summary.settled:
        output.say(f"settled:  {numbered(summary.settled, 'run')} found by listing after the answer was lost")
    if summary.duplicates:
        output.say(f"twice:    {numbered(len(summary.duplicates), 'run')} of which the service holds more than one")
    if summary.run_status:
        output.say("runs:     " + ", ".join(f"{count:,} {name}" for name, count in summary.run_status.items()))
    output.say(_sessions(summary))
    if summary.reasons:
        output.table(reason_table(summary.reasons))


def _refused(summary: Summary) -> str:
    told = ", ".join(f"{count:,} {reason}" for reason, count in summary.refused.items())
    return f" (refused for now: {told})" if told else ""


def _writer(summary: Summary) -> str:
    session = summary.session
    if session is None or summary.writing is Writing.NOBODY:
        return f"nobody; the last session ended: {_ended(session.reason if session is not None else '')}"
    process = f"process {session.pid} on {session.host}"
    match summary.writing:
        case Writing.RUNNING:
            return f"{process}, since {session.at}"
        case Writing.CUT_OFF:
            return f"nobody; {process} was cut off, and resuming finds out what became of its last attempts"
        case _:
            return f"perhaps {process}, since {session.at}: from here that cannot be seen"


def _ended(reason: str) -> str:
    return reason.replace("_", " ") or "no session yet"


def _sessions(summary: Summary) -> str:
    last = f"{summary.session_submitted:,} submitted in {duration(summary.session_s)}, {summary.rate_per_s:,.1f}/s"
    return f"sessions: {summary.sessions:,}; the last: {last}"
