"""``batchrun status``."""

from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.ledgers import find_ledger
from batchrun.cli.output import Output
from batchrun.cli.views.status import show_status
from batchrun.report.rows import read_rows
from batchrun.report.summary import EXISTING, read_summary

__all__ = ["EXAMPLES", "status"]

EXAMPLES = """
Examples:

\b
  batchrun status sweep.toml
      counts by outcome, reasons for failures, and which process is writing
  batchrun status sweep.ledger.jsonl --failed
      list every rejected and failed run with the service's error message
  batchrun status sweep.toml --gone
      list runs that exist, and cost money, although the sweep no longer contains them
  batchrun status sweep.ledger.jsonl --json | jq .outcomes
      the counts, for scripts
"""

Failed = Annotated[bool, typer.Option("--failed", help="List every rejected and failed run.")]


Gone = Annotated[bool, typer.Option("--gone", help="List every run that exists and that the sweep no longer contains.")]


def status(
    path: o.LedgerArgument,
    *,
    failed: Failed = False,
    gone: Gone = False,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
) -> int:
    """Show a batch's status from its ledger alone.

    Works while the batch is being submitted and needs neither the network nor an API key. The exit status is 0 if the
    ledger can be read.
    """
    ledger = find_ledger(path, emulator=emulator)
    summary, output = read_summary(ledger), Output(as_json=as_json)
    left = [row for row in read_rows(ledger).rows if not row.is_planned and row.outcome in EXISTING] if gone else None
    show_status(summary, output, failed=failed, gone=left)
    document = summary.json() | {"ledger": str(ledger)}
    if failed:
        document["runs"] = [run.json() for run in summary.failed_runs]
    if left is not None:
        document["gone_runs"] = [
            {"name": row.name, "key": row.key, "run_id": row.run_id, "outcome": row.outcome, "status": row.status}
            for row in left
        ]
    output.document(document)
    return 0
