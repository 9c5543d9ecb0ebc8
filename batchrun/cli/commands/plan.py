"""``batchrun plan``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.estimating import estimate_of
from batchrun.cli.flags import SweepFlags, expand_flags
from batchrun.cli.ledgers import STDIN
from batchrun.cli.loading import load
from batchrun.cli.output import Output
from batchrun.cli.planning import difference_to, plan_from
from batchrun.cli.streams import stdout_for_data
from batchrun.cli.views.estimate import show_estimate
from batchrun.cli.views.plan import plan_document, show_all, show_plan, shown_runs
from batchrun.errors import UsageError
from batchrun.ledger.find import find_ledger
from batchrun.sweep.plan import Plan, plan_lines, write_plan

__all__ = ["EXAMPLES", "plan"]

EXAMPLES = """
Examples:

\b
  batchrun plan sweep.toml
      show each step with its count, each rule's matches, and the first and last runs
  batchrun plan sweep.toml --axis year='[2021]' --set run.runtime=large
      preview a change without editing the manifest
  batchrun plan sweep.toml -o plan.jsonl
      save the plan; submit it later with batchrun submit plan.jsonl
  batchrun plan sweep.toml --online --like last.ledger.jsonl
      check regions, runtimes and quotas, and estimate from the runs of an earlier batch
  batchrun plan sweep.toml --diff sweep.ledger.jsonl
      show which runs are new, removed or already submitted
"""

STDOUT = Path("-")
SHOWN = 3
Show = Annotated[int, typer.Option("--show", metavar="N", min=0, help="Show the first and last N runs.")]
All = Annotated[bool, typer.Option("--all", help="Show every run.")]
To = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="PATH", help="Save the plan as JSON Lines; - is stdout.")
]
Online = Annotated[
    bool,
    typer.Option("--online", help="Ask the service what the organization allows, and what each runtime costs."),
]
Like = Annotated[
    Path | None, typer.Option("--like", metavar="LEDGER", help="Estimate from the finished runs of an earlier batch.")
]
Diff = Annotated[Path | None, typer.Option("--diff", metavar="LEDGER", help="Compare with the batch in a ledger.")]


@expand_flags
def plan(
    sweep: o.SweepArgument,
    *,
    show: Show = SHOWN,
    all_: All = False,
    to: To = None,
    diff: Diff = None,
    online: Online = False,
    like: Like = None,
    base_url: o.BaseUrl = None,
    flags: SweepFlags,
    as_json: o.Json = False,
) -> int:
    """Show what a sweep would submit, without using the network or an API key unless you pass --online.

    Environment values are shown as <env.NAME>; they are filled in when the sweep is submitted.
    """
    planned = plan_from(sweep, flags.overrides(), os.environ, resolve=False)
    found = difference_to(planned, find_ledger(diff), os.environ) if diff is not None else None
    is_piped = to == STDOUT
    if is_piped and as_json:
        raise UsageError(
            "--output -", "it is written to standard output, so it cannot be combined with --json", "choose one"
        )
    output = Output(as_json=as_json, holds_data=is_piped)
    hints = load("batchrun.cli.online:check_online")(planned, output, base_url=base_url) if online else None
    estimate = estimate_of(planned, like=None if like is None else find_ledger(like), hints=hints)
    for warning in planned.warnings:
        output.warn(warning)
    if is_piped:
        with stdout_for_data() as stdout:
            stdout.writelines(plan_lines(planned))
    elif to is not None:
        _save(planned, to, sweep)
    if as_json:
        document = plan_document(planned, show=None if all_ else show, found=found)
        limit = planned.submit.stop_at_units
        output.document(document | {"estimate": estimate.json(), "stop_at_units": limit})
        return 0
    show_plan(planned, output)
    show_estimate(estimate, output, stop_at_units=planned.submit.stop_at_units)
    if all_:
        show_all(planned, output)
    elif show:
        output.table(shown_runs(planned, show))
    if found is not None:
        output.say(found.describe())
    if to is not None and not is_piped:
        output.say(f"wrote {to}; submit it with: batchrun submit {to}")
    return 0


def _save(planned: Plan, to: Path, sweep: Path) -> None:
    """Write the plan, but never over the sweep it was made from.

    Raises:
        UsageError: the output file is the sweep.

    """
    if sweep != STDIN and to.exists() and to.samefile(sweep):
        raise UsageError(str(to), "is the sweep itself", "choose another output file")
    write_plan(planned, to)
