"""``batchrun rerun``."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.flags import SelectionFlags, SubmissionFlags, expand_flags
from batchrun.cli.looking import ask_service, reader_for
from batchrun.cli.output import Output
from batchrun.cli.service import service_of_batch
from batchrun.cli.submit_request import request_from
from batchrun.cli.submitting import run_submission
from batchrun.cli.text import numbered
from batchrun.cli.views.estimate import estimate_sentence
from batchrun.engine.batch import plan_of
from batchrun.engine.generations import planned_with
from batchrun.engine.rerun import demands_of, refusals, request_rerun
from batchrun.engine.sending.units_limit import known_units
from batchrun.errors import UsageError
from batchrun.ledger.file import FileLedger
from batchrun.ledger.find import find_ledger
from batchrun.ledger.reader import read_batch, read_state
from batchrun.ledger.state import Outcome
from batchrun.report.choice import RerunChoice, choose_to_rerun
from batchrun.report.estimate import estimate
from batchrun.report.rows import RunRow, read_rows
from batchrun.sweep.manifest.overlay import rerun_settings
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.units import units_of

__all__ = ["EXAMPLES", "rerun"]

EXAMPLES = """
Examples:

\b
  batchrun rerun sweep.toml
      rerun everything that failed, timed out or was cancelled
  batchrun rerun sweep.toml --status failed --reason OutOfMemory --set run.runtime=large
      those that ran out of memory, with a larger runtime
  batchrun rerun sweep.toml --where region=us --limit 5
      try five of one region first
"""

Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Only runs whose failure reason contains this text.")
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Rerun at most N runs, in plan order.")]
SetRun = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a [run] setting for these runs. Repeatable."),
]


@expand_flags
def rerun(
    path: o.LedgerArgument,
    *,
    selected: SelectionFlags,
    reason: Reason = None,
    limit: Limit = None,
    set_: SetRun = None,
    yes: o.Yes = False,
    flags: SubmissionFlags,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Rerun created runs, each as a new generation under the same key.

    Without --status or names, reruns every run that failed, timed out or was cancelled. Earlier runs stay in the ledger.
    Asks for confirmation first; without a terminal, pass --yes. If it is interrupted, batchrun resume continues it.
    """
    ledger, output = find_ledger(path, emulator=flags.emulator), Output(as_json=as_json, quiet=quiet)
    batch, found = read_batch(ledger), read_rows(ledger)
    rows = choose_to_rerun(found, RerunChoice(selection=selected.selection(), reason=reason, limit=limit))
    settings = rerun_settings(set_ or ())
    plan = plan_of(batch, ledger, os.environ)
    changed = planned_with(plan, settings)
    if not rows:
        output.say("no run matches; nothing was done")
        if pending := found.state.count(Outcome.PENDING):
            output.tell(f"to send {numbered(pending, 'pending run')}: batchrun resume {ledger}")
        output.document({"rerun": 0, "exit_status": 0})
        return ExitStatus.DONE
    keys = [row.key for row in rows]
    if problems := refusals(keys, found.state):
        raise UsageError.of(problems)
    service = service_of_batch(batch, os.environ, base_url=flags.base_url, emulator=flags.emulator)
    request = replace(request_from(flags, plan, ledger, service, yes=True), create=False)
    request.check(found.state)  # a request that cannot be carried out now must not be recorded
    for line in _summary(rows, plan, changed, settings):
        output.tell(line)
    if flags.dry_run or not output.confirm(f"Rerun {numbered(len(rows), 'run')}?", yes=yes):
        output.tell("nothing was recorded")
        output.document({"rerun": len(rows), "dry_run": True, "exit_status": 0})  # with --json nobody is asked
        return ExitStatus.DONE if flags.dry_run else ExitStatus.STOPPED
    if request.settings.stop_at_units is not None:
        _check_units(changed, service, ledger, flags)
    with FileLedger.open(ledger) as writing:
        anyio.run(request_rerun, writing, keys, settings)
    return run_submission(request, output)


def _check_units(changed: Plan, service: str, ledger: Path, flags: SubmissionFlags) -> None:
    """A rerun that could never be sent must not be recorded.

    Raises:
        UsageError: the units of a runtime are not known, so ``stop_at_units`` could not be enforced.

    """
    runtimes = sorted({demand.runtime for demand in changed.demands})

    async def check(client: RunsClient) -> None:
        await known_units(runtimes, client, reader_for(client, read_state(ledger)))

    ask_service(service, check, ledger=ledger, timeout_s=flags.timeout_s)


def _summary(rows: list[RunRow], plan: Plan, changed: Plan, settings: dict[str, Any]) -> list[str]:
    statuses = Counter(row.status or row.outcome.value for row in rows)
    what = ", ".join(f"{count:,} {status}" for status, count in statuses.most_common())
    lines = [f"{plan.name}: {numbered(len(rows), 'run')} to rerun: {what}"]
    if settings:
        lines.append("with " + ", ".join(f"{key} = {value}" for key, value in settings.items()))
    demands = demands_of(plan, changed, (row.key for row in rows))
    lines.append(estimate_sentence(estimate(demands, units_of(), usd_per_unit=plan.cost.usd_per_unit)))
    later = sum(row.generation > 1 for row in rows)
    if later:
        lines.append(
            f"{numbered(later, 'of these')} were rerun before" if later != 1 else "1 of these was rerun before"
        )
    return lines
