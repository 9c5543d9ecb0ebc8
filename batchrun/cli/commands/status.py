"""``batchrun status``."""

from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.ledgers import find_ledger
from batchrun.cli.output import Output
from batchrun.cli.views.status import show_status
from batchrun.report.summary import read_summary

__all__ = ["EXAMPLES", "status"]

EXAMPLES = """
Examples:

\b
  batchrun status sweep.toml
      counts by outcome, reasons for failures, and which process is writing
  batchrun status sweep.ledger.jsonl --failed
      list every rejected and failed run with the service's error message
  batchrun status sweep.ledger.jsonl --json | jq .outcomes
      the counts, for scripts
"""

Failed = Annotated[bool, typer.Option("--failed", help="List every rejected and failed run.")]


def status(
    path: o.LedgerArgument, *, failed: Failed = False, emulator: o.OfEmulator = False, as_json: o.Json = False
) -> int:
    """Show a batch's status from its ledger alone.

    Works while the batch is being submitted and needs neither the network nor an API key. The exit status is 0 if the
    ledger can be read.
    """
    ledger = find_ledger(path, emulator=emulator)
    summary, output = read_summary(ledger), Output(as_json=as_json)
    show_status(summary, output, failed=failed)
    document = summary.json() | {"ledger": str(ledger)}
    if failed:
        document["runs"] = [run.json() for run in summary.failed_runs]
    output.document(document)
    return 0
