"""``batchrun runs``."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output
from batchrun.cli.refreshing import refresh as refresh_ledger
from batchrun.cli.text import numbered, words_of
from batchrun.cli.views.runs import csv_lines, json_rows, run_lines
from batchrun.errors import Problem, UsageError
from batchrun.ledger.find import find_ledgers
from batchrun.ledger.state import Outcome
from batchrun.report.all_generations import with_earlier
from batchrun.report.axis_values import axes_of
from batchrun.report.columns import DEFAULT_COLUMNS, Column, columns_of, sorted_rows
from batchrun.report.rows import RunRow, read_rows
from batchrun.report.selection import Selection, select

__all__ = ["EXAMPLES", "runs"]

EXAMPLES = """
Examples:

\b
  batchrun runs sweep.toml --status failed
      which runs failed, and why
  batchrun runs sweep.toml --where region=us --sort -ran --limit 10
      the ten longest runs of one region
  batchrun runs sweep.toml --all-generations
      also list earlier generations of rerun runs
  batchrun runs shard-*.ledger.jsonl --columns name,status,region,year --csv > runs.csv
      a spreadsheet with the values of two axes
"""

Name = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="NAME", help="Only runs with this name, key or id; * matches anything. Repeatable."),
]
OutcomeFilter = Annotated[
    list[str] | None,
    typer.Option(
        "--outcome", metavar="OUTCOME", help="Only runs with this outcome, e.g. rejected or unknown. Repeatable."
    ),
]
Sort = Annotated[
    str | None, typer.Option("--sort", metavar="COLUMN", help="Sort by this column; -COLUMN for descending order.")
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Show at most N runs.")]
Columns = Annotated[
    str | None,
    typer.Option("--columns", metavar="NAMES", help="Columns to show, separated by commas; axes are columns too."),
]
AllGenerations = Annotated[
    bool, typer.Option("--all-generations", help="Also list earlier generations of rerun runs, one row each.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV to stdout.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="First fetch changes from the service, and record them.")]


def runs(
    paths: o.LedgerArguments,
    *,
    name: Name = None,
    status: o.StatusFilter = None,
    outcome: OutcomeFilter = None,
    where: o.WhereRun = None,
    sort: Sort = None,
    limit: Limit = None,
    columns: Columns = None,
    all_generations: AllGenerations = False,
    as_csv: Csv = False,
    refresh: Refresh = False,
    base_url: o.BaseUrl = None,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
) -> int:
    """List a batch's runs from its ledger: status, reason, times, cost and run id.

    Needs neither the network nor an API key unless you pass --refresh. Planned runs that were never sent are not listed.
    """
    output = Output(as_json=as_json)
    if as_csv and as_json:
        raise UsageError("--csv", "cannot be combined with --json", "choose one of them")
    ledgers = find_ledgers(paths, emulator=emulator)
    if refresh:
        for ledger in ledgers:
            refresh_ledger(ledger, output.warn, base_url=base_url)
    rows = [row for ledger in ledgers for row in read_rows(ledger).rows]
    rows = list(with_earlier(rows)) if all_generations else rows
    shown_columns = _columns(columns, rows, all_generations=all_generations)
    found = _sorted(_selected(rows, name or [], status=status, outcome=outcome, where=where), sort, rows)
    shown = found[:limit]
    if as_csv:
        for line in csv_lines(shown, shown_columns):
            output.raw_line(line)
        return ExitStatus.DONE
    _show(shown, shown_columns, found=len(found), of=len(rows), ledgers=ledgers, output=output)
    return ExitStatus.DONE


def _columns(text: str | None, rows: Sequence[RunRow], *, all_generations: bool) -> list[Column]:
    default = (DEFAULT_COLUMNS[0], "generation", *DEFAULT_COLUMNS[1:]) if all_generations else DEFAULT_COLUMNS
    names = words_of([text]) if text is not None else default
    return columns_of(names, axes_of(rows), place="--columns")


def _selected(
    rows: list[RunRow],
    names: list[str],
    *,
    status: list[str] | None,
    outcome: list[str] | None,
    where: list[str] | None,
) -> list[RunRow]:
    # A name that is nobody's is a mistake, and an error; a pattern may match nothing.
    patterns = [name for name in names if "*" in name]
    selection = Selection(
        names=[name for name in names if "*" not in name] if not patterns else (),
        statuses=words_of(status),
        outcomes=[_outcome(word) for word in words_of(outcome)],
        where=tuple(where or ()),
    )
    found = select(rows, selection)
    if not patterns:
        return found
    return [row for row in found if any(fnmatchcase(one, name) for name in names for one in _names(row))]


def _names(row: RunRow) -> tuple[str, ...]:
    return (row.name, row.key, row.run_id or "")


def _outcome(word: str) -> Outcome:
    try:
        return Outcome(word.lower())
    except ValueError:
        raise UsageError("--outcome", f"unknown outcome '{word}'", f"use one of {', '.join(Outcome)}") from None


def _sorted(found: list[RunRow], sort: str | None, rows: Sequence[RunRow]) -> list[RunRow]:
    if sort is None:
        return found
    (column,) = columns_of([sort.removeprefix("-")], axes_of(rows), place="--sort")
    return sorted_rows(found, column, descending=sort.startswith("-"))


def _show(
    shown: list[RunRow], columns: list[Column], *, found: int, of: int, ledgers: Sequence[Path], output: Output
) -> None:
    head, *lines = run_lines(shown, columns, output.result_width)
    if lines:
        output.say(head, style="bold")
    for line in lines:
        output.say(line)
    if not of:
        ledger = ledgers[0]
        output.warn(
            Problem(str(ledger), "no run of this batch has been sent yet", f"send them: batchrun resume {ledger}")
        )
    elif not found:
        output.say(f"none of the {numbered(of, 'run')} matches")
    elif found < of:
        some = f"; {len(shown):,} shown" if len(shown) < found else ""
        output.say(f"{found:,} of {numbered(of, 'run')} match{some}")
    elif len(shown) < of:
        output.say(f"{len(shown):,} of {numbered(of, 'run')}")
    output.document(
        {
            "ledgers": [str(ledger) for ledger in ledgers],
            "total": of,
            "found": found,
            "runs": json_rows(shown, columns),
        }
    )
