"""``batchrun watch``."""

from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.looking import service_of
from batchrun.cli.output import Output
from batchrun.cli.watching import Until, WatchRequest, run_watch
from batchrun.ledger.find import find_ledger
from batchrun.ledger.reader import read_batch

__all__ = ["EXAMPLES", "watch"]

EXAMPLES = """
Examples:

\b
  batchrun watch sweep.toml
      follow every run until it ends; Ctrl-C does not affect the runs
  batchrun watch sweep.ledger.jsonl --until first-failure --timeout 2h
      stop at the first run that does not complete, or after two hours
  batchrun watch sweep.toml --json | jq -r 'select(.status == "FAILED") | .name'
      the names of runs as they fail
"""

UntilOption = Annotated[
    Until, typer.Option("--until", help="Watch until all runs have ended, or until the first one ends badly.")
]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="TIME", help="Stop watching after this long, e.g. 2h; exit status 3.")
]
JsonLines = Annotated[
    bool, typer.Option("--json", help="Print a JSON line for each change to stdout; everything else goes to stderr.")
]


def watch(
    path: o.LedgerArgument,
    *,
    until: UntilOption = Until.ALL,
    timeout: Timeout = None,
    read_rate: o.ReadRate = None,
    base_url: o.BaseUrl = None,
    emulator: o.OfEmulator = False,
    as_json: JsonLines = False,
    quiet: o.Quiet = False,
) -> int:
    """Follow a batch's runs until they end, and record each status change in the ledger.

    Works alongside a running submit, resume or rerun, and other watches. Ctrl-C does not affect the runs. The exit status
    is 0 if all runs completed, 1 if any did not, and 3 after --timeout.
    """
    ledger = find_ledger(path, emulator=emulator)
    request = WatchRequest(
        name=read_batch(ledger).name,
        ledger=ledger,
        service=service_of(ledger, base_url=base_url),
        until=until,
        timeout_s=o.seconds_from("--timeout", timeout),
        read_rate=read_rate,
    )
    return run_watch(request, Output(as_json=as_json, quiet=quiet))
