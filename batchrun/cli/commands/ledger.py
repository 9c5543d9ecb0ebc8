"""``batchrun ledger``: check, export and compact."""

from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output
from batchrun.cli.streams import stdout_for_data
from batchrun.cli.text import numbered
from batchrun.errors import Problem, UsageError
from batchrun.ledger.check import check as check_ledger
from batchrun.ledger.compact import compact as compact_ledger
from batchrun.ledger.find import find_ledger
from batchrun.report.export import FORMATS, export_to
from batchrun.report.export import export as export_ledger

__all__ = ["ledger"]

Target = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="File to write; its suffix (.csv, .jsonl or .parquet) sets the format. - is stdout; see --format.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Format for -o -: csv, jsonl or parquet; defaults to csv."),
]
STDOUT = Path("-")
Formulas = Annotated[
    bool,
    typer.Option(
        "--formulas",
        help="In CSV, write text unchanged. By default, text that begins with = + - @ is prefixed with an apostrophe so that "
        "spreadsheets do not evaluate it, and control and invisible characters are escaped.",
    ),
]

Wide = Annotated[
    bool,
    typer.Option("--wide", help="Write one column per axis, such as point.year, instead of a single JSON column."),
]

ledger = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Check, export or compact a ledger.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@ledger.command()
def check(path: o.LedgerArgument, *, emulator: o.OfEmulator = False, as_json: o.Json = False) -> int:
    """Check a ledger's consistency.

    Checks the order of events, the outcomes of attempts, and the totals. Works while the batch is being submitted. Each finding names its line; with any finding, the exit status is 4.
    """
    path = find_ledger(path, emulator=emulator)
    checked, output = check_ledger(path), Output(as_json=as_json)
    for finding in checked.findings:
        output.error(Problem(f"{path}:{finding.line}" if finding.line else str(path), finding.fact))
    contents = f"{numbered(checked.lines, 'line')}, {numbered(len(checked.state.runs), 'run')}"
    findings_text = numbered(len(checked.findings), "finding") if checked.findings else "no findings"
    output.say(f"{path}: {contents}, {findings_text}")
    findings = [{"line": finding.line, "fact": finding.fact} for finding in checked.findings]
    output.document({"ledger": str(path), "lines": checked.lines, "findings": findings})
    return ExitStatus.LEDGER if checked.findings else ExitStatus.DONE


@ledger.command()
def export(
    path: o.LedgerArgument,
    *,
    output: Target,
    format_: Format = None,
    wide: Wide = False,
    formulas: Formulas = False,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
) -> int:
    """Export a row per planned run: CSV, JSON Lines, Parquet.

    Rows contain the outcome, status, times, cost and failure reason. Created runs that are no longer in the
    plan come last and have no index. The file's permissions follow the umask.
    """
    path = find_ledger(path, emulator=emulator)
    if output == STDOUT:
        if as_json:
            fact = "it is written to standard output, so it cannot be combined with --json"
            raise UsageError("--output -", fact, "choose one, or --format jsonl")
        # Notes go to stderr: stdout is the file.
        suffix, warn = _suffix_of(format_ or "csv"), Output(as_json=False, holds_data=True).warn
        with stdout_for_data() as stdout:
            export_to(path, stdout, suffix, keep_formulas=formulas, is_wide=wide, warn=warn)
        return ExitStatus.DONE
    if format_ is not None:
        raise UsageError("--format", "it applies only to -o -", "add a suffix to the file name")
    printer = Output(as_json=as_json)
    count = export_ledger(path, output, keep_formulas=formulas, is_wide=wide, warn=printer.warn)
    printer.say(f"{output}: {numbered(count, 'row')}")
    printer.document({"ledger": str(path), "output": str(output), "rows": count})
    return ExitStatus.DONE


def _suffix_of(name: str) -> str:
    if (suffix := f".{name.lower()}") not in FORMATS:
        known = ", ".join(one.removeprefix(".") for one in FORMATS)
        raise UsageError("--format", f"unknown export format '{name}'", f"use one of {known}")
    return suffix


@ledger.command()
def compact(path: o.LedgerArgument, *, emulator: o.OfEmulator = False, as_json: o.Json = False) -> int:
    """Compact a ledger: keep one line per submitted run.

    Outcomes, counts and run ids stay the same. The file is replaced atomically; a ledger that is being written is refused.
    """
    path = find_ledger(path, emulator=emulator)
    done, output = compact_ledger(path), Output(as_json=as_json)
    lines = f"{done.lines_before:,} lines reduced to {done.lines_after:,}"
    output.say(f"{path}: {lines}, {done.bytes_before:,} bytes to {done.bytes_after:,}")
    document = {"ledger": str(path), "lines_before": done.lines_before, "lines_after": done.lines_after}
    output.document(document | {"bytes_before": done.bytes_before, "bytes_after": done.bytes_after})
    return ExitStatus.DONE
