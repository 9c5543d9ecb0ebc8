"""``batchrun status``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from batchrun.cli import options as o
from batchrun.cli.output import Output
from batchrun.cli.text import numbered, words_of
from batchrun.cli.views.batches import batches_table, group_counts
from batchrun.cli.views.breakdown import breakdown_table, heat_map, heat_map_table
from batchrun.cli.views.failures import failure_table
from batchrun.cli.views.status import show_gone, show_status
from batchrun.errors import LedgerError, Problem, UsageError
from batchrun.ledger.find import find_ledgers
from batchrun.ledger.location import LEDGER_SUFFIX
from batchrun.report.axis_values import axes_of, checked_axes
from batchrun.report.breakdown import Breakdown, breakdown
from batchrun.report.failures import FailureGroup, failure_groups
from batchrun.report.rows import RunRow, read_rows
from batchrun.report.run_label import RunGroup
from batchrun.report.summary import EXISTING, Summary, read_summary

__all__ = ["EXAMPLES", "status"]

EXAMPLES = """
Examples:

\b
  batchrun status sweep.toml
      counts by outcome, reasons for failures, and which process is writing
  batchrun status
      one line for each ledger in this folder
  batchrun status sweep.toml --by region,year
      a heat map of completed and failed runs
  batchrun status sweep.ledger.jsonl --failed
      list every rejected and failed run with the service's error message
  batchrun status sweep.toml --gone
      list created runs that the sweep no longer contains; they may still cost money
  batchrun status sweep.ledger.jsonl --json | jq .outcomes
      the counts, for scripts
"""

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="LEDGER",
        help="Ledgers (.ledger.jsonl), or the sweeps that they belong to; by default, those in this folder.",
        show_default=False,
    ),
]
Failed = Annotated[bool, typer.Option("--failed", help="List every rejected and failed run.")]
Gone = Annotated[bool, typer.Option("--gone", help="List created runs that the sweep no longer contains.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="AXIS[,AXIS]", help="Count the runs by the values of one axis or more, e.g. region,year."
    ),
]
MAP_AXES = 2
MOST_ANALYSED = 200_000
"""Maximum number of runs for which failure reasons are shown by default: this many take a second and 200 MB."""


def status(
    paths: Paths = None,
    *,
    by: By = None,
    failed: Failed = False,
    gone: Gone = False,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
) -> int:
    """Show a batch's status from its ledger alone: counts, failures by reason, and the axis values that stand out.

    Works while the batch is being submitted and needs neither the network nor an API key. Without an argument, lists the
    ledgers in this folder. The exit status is 0 if the ledgers can be read.
    """
    output = Output(as_json=as_json)
    if not paths:
        return _list_folder(output, by)
    ledgers = find_ledgers(paths, emulator=emulator)
    summaries = {ledger: read_summary(ledger) for ledger in ledgers}
    left = [row for ledger in ledgers for row in _left(ledger)] if gone else None
    counted, groups = _looked_into(summaries, by)
    if len(ledgers) == 1:
        show_status(summaries[ledgers[0]], output, failed=failed)
    else:
        output.table(batches_table(summaries))
    if left is not None:
        show_gone(left, output)
    if groups:
        output.table(failure_table(groups))
    if counted is not None:
        _show_breakdown(counted, sum(summary.planned for summary in summaries.values()), output)
    documents = [_document(ledger, summary, failed=failed) for ledger, summary in summaries.items()]
    # One ledger keeps the document that scripts know; several are a list of them.
    document = documents[0] if len(documents) == 1 else {"batches": documents}
    document["failures"] = [group.json() for group in groups]
    if left is not None:
        document["gone_runs"] = [
            {"name": row.name, "key": row.key, "run_id": row.run_id, "outcome": row.outcome, "status": row.status}
            for row in left
        ]
    output.document(document | ({"by": counted.json()} if counted is not None else {}))
    return 0


def _left(ledger: Path) -> list[RunRow]:
    """Runs that exist, or may exist, and that the plan no longer contains."""
    return [row for row in read_rows(ledger).rows if not row.is_planned and row.outcome in EXISTING]


def _list_folder(output: Output, by: str | None) -> int:
    """One line for each ledger in this folder."""
    if by is not None:
        raise UsageError("--by", "needs a ledger", "pass the path of a ledger or of its sweep")
    summaries: dict[Path, Summary] = {}
    problems: list[Problem] = []
    found = sorted(Path().glob(f"*{LEDGER_SUFFIX}"))
    for path in found:
        try:
            summaries[path] = read_summary(path)
        except LedgerError as error:
            problems += error.problems
    if not found:
        output.say("no ledger in this folder; a sweep gets one when it is submitted: batchrun submit SWEEP")
    if summaries:
        output.table(batches_table(summaries))
    for problem in problems:
        output.warn(problem)
    documents = [_document(path, summary, failed=False) for path, summary in summaries.items()]
    output.document({"batches": documents, "unreadable": [problem.json() for problem in problems]})
    return 0


def _looked_into(summaries: dict[Path, Summary], by: str | None) -> tuple[Breakdown | None, tuple[FailureGroup, ...]]:
    """The requested breakdown, and the failures by reason; both need every run."""
    failures = sum(group_counts(summary)[RunGroup.FAILED] for summary in summaries.values())
    if by is None and (not failures or sum(summary.planned for summary in summaries.values()) > MOST_ANALYSED):
        return None, ()
    # Of the plan as it is now, so that the numbers add up to those above.
    rows = [row for ledger in summaries for row in read_rows(ledger).rows if row.is_planned]
    # Runs that could not be created are listed by the service's error already.
    groups = tuple(group for group in failure_groups(rows) if group.members[0].run_id is not None)
    if by is None:
        return None, groups
    axes = checked_axes(words_of([by]), axes_of(rows), place="--by")
    return breakdown(rows, axes), groups


def _show_breakdown(counted: Breakdown, planned: int, output: Output) -> None:
    drawn = _drawn(counted, output)
    if drawn is not None:
        output.draw(drawn)
    elif len(counted.axes) == MAP_AXES and not output.draws_results:
        output.table(heat_map_table(counted))
    else:
        output.table(breakdown_table(counted))
    if (unsent := planned - counted.total.total) > 0:
        output.say(f"not counted: {numbered(unsent, 'planned run')} never sent")


def _drawn(counted: Breakdown, output: Output) -> RenderableType | None:
    """The heat map, in whichever orientation fits; None without a terminal, or if neither fits."""
    if len(counted.axes) != MAP_AXES or not output.draws_results:
        return None
    return next((drawn for way in (counted, counted.reversed()) if output.fits(drawn := heat_map(way))), None)


def _document(ledger: Path, summary: Summary, *, failed: bool) -> dict[str, Any]:
    document = summary.json() | {"ledger": str(ledger)}
    if failed:
        document["runs"] = [run.json() for run in summary.failed_runs]
    return document
