"""``batchrun report``."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.loading import load
from batchrun.cli.output import Output
from batchrun.cli.streams import stdout_for_data
from batchrun.cli.text import numbered
from batchrun.errors import Problem, UsageError
from batchrun.files import resolved
from batchrun.ledger.find import find_ledgers
from batchrun.report.html.write import default_output, make_report, write_report

__all__ = ["EXAMPLES", "report"]

EXAMPLES = """
Examples:

\b
  batchrun report sweep.ledger.jsonl -o report.html --open
      one file that needs no network: send it, archive it, print it
  batchrun report shard-*.ledger.jsonl -o report.html --title "NDVI 2024"
      several ledgers as one report
  batchrun report sweep.toml --refresh
      with current statuses and costs from the service
"""

Target = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="File to write; - is stdout. Defaults to SWEEP.report.html next to the ledger.",
    ),
]
STDOUT = Path("-")
Open = Annotated[bool, typer.Option("--open", help="Open the report in a browser.")]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title; defaults to the batch's name.")]
ConsoleUrl = Annotated[
    str | None,
    typer.Option(
        "--console-url",
        metavar="URL",
        help="URL of a run's page in your console, containing {run_id}; turns run ids into links.",
    ),
]
Logs = Annotated[
    Path | None,
    typer.Option(
        "--logs", metavar="DIR", help="Folder of saved logs; adds the last error line to each failure reason."
    ),
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="First fetch statuses and costs from the service, and record them.")
]


def report(
    ledgers: o.LedgerArguments,
    *,
    output: Target = None,
    open_: Open = False,
    title: Title = None,
    console_url: ConsoleUrl = None,
    logs: Logs = None,
    refresh: Refresh = False,
    base_url: o.BaseUrl = None,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
) -> int:
    """Write a batch report as a single HTML file: failures by reason, heat maps, durations, costs, all runs.

    Reads only the ledgers, and works during submission; only --refresh contacts the service. The page loads no external
    resources, works offline and without JavaScript, and can be printed. An earlier report is overwritten; any other file
    is not.
    """
    printer, found = Output(as_json=as_json), find_ledgers(ledgers, emulator=emulator)
    if output == STDOUT and (as_json or open_):
        fact = "it is written to standard output, so it cannot be combined with --json or --open"
        raise UsageError("--output -", fact, "pass a file name")
    target = output or default_output(found[0])
    if resolved(target) in {resolved(ledger) for ledger in found}:
        raise UsageError(str(target), "is the ledger itself", "choose another name")
    for ledger in found if refresh else ():
        load("batchrun.cli.refreshing:refresh")(ledger, printer.warn, base_url=base_url)
        ask_for_costs = load("batchrun.cli.fresh_costs:refresh_ledger_costs")
        ask_for_costs(ledger, printer.warn, base_url=base_url, look=False)  # the runs were just looked at
    # Only with logs: reading them imports the client, which takes a quarter of a second.
    last_line = load("batchrun.report.html.saved_logs:last_error_in")(logs) if logs is not None else None
    made = make_report(found, title=title, console_url=console_url, last_line=last_line)
    if output == STDOUT:
        with stdout_for_data() as stdout:
            stdout.write(made.html.encode())
        return ExitStatus.DONE
    size = write_report(made, target)
    printer.say(f"{target}: {numbered(made.runs, 'run')}, {size / 1e6:.2f} MB")
    if open_ and not webbrowser.open(target.resolve().as_uri()):
        printer.warn(Problem("--open", "no browser could be started", f"open {target} yourself"))
    printer.document({"ledgers": [str(one) for one in found], "output": str(target), "runs": made.runs, "bytes": size})
    return ExitStatus.DONE
