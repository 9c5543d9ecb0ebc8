"""``batchrun ledger``: check, export and compact."""

from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output
from batchrun.cli.text import numbered
from batchrun.errors import Problem
from batchrun.ledger.check import check as check_ledger
from batchrun.ledger.compact import compact as compact_ledger
from batchrun.report.export import export as export_ledger

__all__ = ["ledger"]

Target = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; its ending says how: .csv, .jsonl, .parquet.")
]

ledger = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Look after a ledger: verify it, export it, make it shorter.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@ledger.command()
def check(path: o.LedgerArgument, *, as_json: o.Json = False) -> int:
    """Verify a ledger: order, attempts and their endings, sums.

    Works while the batch is being submitted. The exit status is 4 when something is wrong; each finding names its line.
    """
    checked, output = check_ledger(path), Output(as_json=as_json)
    for found in checked.findings:
        output.error(Problem(f"{path}:{found.line}" if found.line else str(path), found.fact))
    read = f"{numbered(checked.lines, 'line')}, {numbered(len(checked.state.runs), 'run')}"
    output.say(f"{path}: {read}, {numbered(len(checked.findings), 'finding')}")
    findings = [{"line": found.line, "fact": found.fact} for found in checked.findings]
    output.document({"ledger": str(path), "lines": checked.lines, "findings": findings})
    return ExitStatus.LEDGER if checked.findings else ExitStatus.DONE


@ledger.command()
def export(path: o.LedgerArgument, *, output: Target, as_json: o.Json = False) -> int:
    """Write one row for each planned run, for pandas, DuckDB or a spreadsheet."""
    count, told = export_ledger(path, output), Output(as_json=as_json)
    told.say(f"{output}: {numbered(count, 'row')}")
    told.document({"ledger": str(path), "output": str(output), "rows": count})
    return ExitStatus.DONE


@ledger.command()
def compact(path: o.LedgerArgument, *, as_json: o.Json = False) -> int:
    """Make a ledger shorter without changing what it says: a submitted run needs one line only.

    The file is replaced in one step. A batch that is being submitted is left alone.
    """
    done, output = compact_ledger(path), Output(as_json=as_json)
    lines = f"{done.lines_before:,} lines are now {done.lines_after:,}"
    output.say(f"{path}: {lines}, {done.bytes_before:,} bytes are now {done.bytes_after:,}")
    document = {"ledger": str(path), "lines_before": done.lines_before, "lines_after": done.lines_after}
    output.document(document | {"bytes_before": done.bytes_before, "bytes_after": done.bytes_after})
    return ExitStatus.DONE
