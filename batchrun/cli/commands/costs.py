"""``batchrun costs``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from batchrun.cli import options as o
from batchrun.cli.flags import SelectionFlags, expand_flags
from batchrun.cli.fresh_costs import refresh_ledger_costs
from batchrun.cli.output import Output
from batchrun.cli.text import words_of
from batchrun.cli.views.costs import show_costs
from batchrun.ledger.find import find_ledgers
from batchrun.report.axis_values import axes_of, axis_text, checked_axes
from batchrun.report.cost_totals import cost_totals, costs_by
from batchrun.report.rows import read_rows
from batchrun.report.selection import select

__all__ = ["EXAMPLES", "costs"]

EXAMPLES = """
Examples:

\b
  batchrun costs sweep.toml --refresh
      ask the service what the runs cost so far, record it, and show the sum
  batchrun costs sweep.toml --by region,year
      from the ledger alone: the sum for each combination of values
"""

By = Annotated[
    list[str] | None, typer.Option("--by", metavar="AXIS", help="Group the sums by these axes, e.g. region,year.")
]
Refresh = Annotated[bool, typer.Option("--refresh", help="First fetch costs that may have changed.")]
Ledgers = Annotated[
    list[Path], typer.Argument(metavar="LEDGER", help="Ledgers (.ledger.jsonl), or the sweeps that they belong to.")
]


@expand_flags
def costs(
    paths: Ledgers,
    *,
    by: By = None,
    refresh: Refresh = False,
    status: o.StatusFilter = None,
    where: o.WhereRun = None,
    emulator: o.OfEmulator = False,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    as_json: o.Json = False,
) -> int:
    """Show what a batch cost, in spatial units and money; amounts that may still change are listed separately.

    Reads only the ledger unless you pass --refresh, which first fetches costs from the service, 100 runs per call.
    """
    ledgers, output = find_ledgers(paths, emulator=emulator), Output(as_json=as_json)
    for ledger in ledgers if refresh else ():
        timeout_s = o.seconds_from("--timeout", timeout)
        refresh_ledger_costs(ledger, output.warn, base_url=base_url, timeout_s=timeout_s)
    selection = SelectionFlags(status=status, where=where).selection()
    rows = [row for ledger in ledgers for row in select(read_rows(ledger).rows, selection)]
    axes = checked_axes(words_of(by), axes_of(rows), place="--by") if by else ()
    groups = costs_by(rows, lambda row: ", ".join(axis_text(row.point, axis) for axis in axes)) if axes else {}
    totals = cost_totals(rows)
    show_costs(totals, groups, axes, output)
    document: dict[str, Any] = {"ledgers": [str(ledger) for ledger in ledgers], "total": totals.json()}
    if axes:
        document["by"] = list(axes)
        document["groups"] = {label: found.json() for label, found in groups.items()}
    output.document(document | {"exit_status": 0})
    return 0
