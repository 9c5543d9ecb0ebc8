"""``batchrun plan``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.output import Output
from batchrun.cli.planning import difference_to, overrides_from, plan_from
from batchrun.cli.views.plan import plan_document, show_all, show_plan, shown_runs
from batchrun.engine.difference import Difference
from batchrun.errors import UsageError
from batchrun.sweep.plan import Plan, write_plan

__all__ = ["EXAMPLES", "plan"]

EXAMPLES = """
Examples:

\b
  batchrun plan sweep.toml
      every step with its count, what each rule hit, the first and the last runs
  batchrun plan sweep.toml --axis year='[2021]' --set run.runtime=large
      what another choice would send
  batchrun plan sweep.toml -o plan.jsonl
      write the runs down; batchrun submit takes the file
  batchrun plan sweep.toml --diff sweep.ledger.jsonl
      what is new, gone and already submitted
"""

SHOWN = 3
Show = Annotated[int, typer.Option("--show", metavar="N", min=0, help="Show so many of the first and last runs.")]
All = Annotated[bool, typer.Option("--all", help="Show every run.")]
To = Annotated[Path | None, typer.Option("-o", "--output", metavar="PATH", help="Write the plan as JSON Lines.")]
Diff = Annotated[Path | None, typer.Option("--diff", metavar="LEDGER", help="Compare with the batch in a ledger.")]


def plan(
    sweep: o.SweepArgument,
    *,
    show: Show = SHOWN,
    all_: All = False,
    to: To = None,
    diff: Diff = None,
    set_: o.Set = None,
    axis: o.Axis = None,
    where: o.Where = None,
    sample: o.Sample = None,
    seed: o.Seed = None,
    max_points: o.MaxPoints = None,
    as_json: o.Json = False,
) -> int:
    """Show what a sweep would send, without the network and without a key.

    Values of the environment stay as <env.NAME>; they are filled in when the sweep is submitted.
    """
    overrides = overrides_from(set_=set_, axis=axis, where=where, sample=sample, seed=seed, max_points=max_points)
    planned = plan_from(sweep, overrides, os.environ, resolve=False)
    found = difference_to(planned, diff, os.environ) if diff is not None else None
    output = Output(as_json=as_json)
    for warning in planned.warnings:
        output.warn(warning)
    if to is not None:
        _write(planned, to, sweep)
    if as_json:
        output.document(plan_document(planned, show=None if all_ else show, found=found))
        return 0
    _tell(planned, output, show=None if all_ else show, found=found)
    if to is not None:
        output.say(f"wrote {to}; submit it with: batchrun submit {to}")
    return 0


def _tell(planned: Plan, output: Output, *, show: int | None, found: Difference | None) -> None:
    show_plan(planned, output)
    if show is None:
        show_all(planned, output)
    elif show:
        output.table(shown_runs(planned, show))
    if found is not None:
        output.say(found.describe())


def _write(planned: Plan, to: Path, sweep: Path) -> None:
    """Write the plan; never over what it was made from.

    Raises:
        UsageError: it would.

    """
    if to.exists() and to.samefile(sweep):
        raise UsageError(str(to), "this is the sweep itself", "give another file to write to")
    write_plan(planned, to)
