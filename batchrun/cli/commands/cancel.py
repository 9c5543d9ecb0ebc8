"""``batchrun cancel``."""

import os
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from batchrun.cli import options as o
from batchrun.cli.cancel_wait import CancelWait, wait_until_ended
from batchrun.cli.exits import ExitStatus
from batchrun.cli.flags import SelectionFlags, expand_flags
from batchrun.cli.interrupts import run_interruptible
from batchrun.cli.loading import loop_options
from batchrun.cli.looking import reader_for, service_of
from batchrun.cli.output import Output
from batchrun.cli.service import open_service
from batchrun.cli.settling import settle_unknown
from batchrun.cli.text import numbered
from batchrun.cli.views.problems import as_few
from batchrun.engine.batch import plan_of
from batchrun.engine.drop import drop_runs
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.ledger.file import FileLedger
from batchrun.ledger.find import find_ledger
from batchrun.ledger.reader import read_batch
from batchrun.report.choice import CancelChoice, choose_to_cancel
from batchrun.report.rows import RunRow
from batchrun.report.selection import Selection
from batchrun.tracking.access import check_organization
from batchrun.tracking.cancel import Cancellation, Target, cancel_runs
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["EXAMPLES", "cancel"]

EXAMPLES = """
Examples:

\b
  batchrun cancel sweep.toml
      cancel every active run of the batch
  batchrun cancel sweep.toml --pending
      also drop the runs that were not sent yet
  batchrun cancel sweep.toml --where region=us --status running
      only those that are running in one region
"""

Pending = Annotated[bool, typer.Option("--pending", help="Also drop runs that were not sent yet.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until the runs have ended.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Cancel without asking for confirmation.")]
CONNECTIONS = 10
"""For the requests in flight of `cancel_runs`, and two to look at runs that it could not cancel."""


def _description(chosen: CancelChoice) -> str:
    statuses = Counter(row.status or "created" for row in chosen.active)
    parts = [f"{count:,} {status}" for status, count in statuses.most_common()]
    text = f"cancel {numbered(len(chosen.active), 'run')} ({', '.join(parts)})" if chosen.active else ""
    drop = f"drop {numbered(len(chosen.dropped), 'run')} not sent yet" if chosen.dropped else ""
    return " and ".join(filter(None, [text, drop]))


@expand_flags
def cancel(
    path: o.LedgerArgument,
    *,
    selected: SelectionFlags,
    pending: Pending = False,
    no_wait: NoWait = False,
    yes: Yes = False,
    emulator: o.OfEmulator = False,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Cancel active runs of a batch, by the ids in its ledger.

    Unknown runs are settled first. Asks for confirmation; without a terminal, pass --yes. Waits up to five minutes for the
    runs to end; exit status 3 means that some did not. Safe to repeat.
    """
    ledger, output = find_ledger(path, emulator=emulator), Output(as_json=as_json, quiet=quiet)
    service = service_of(ledger, base_url=base_url)
    timeout_s = o.seconds_from("--timeout", timeout)
    with open_service(service, os.environ, ledger=ledger, timeout_s=timeout_s) as api:
        with FileLedger.open(ledger) as writing:
            settle_unknown(writing, api, SubmitSettings(), output, service=service)
        # Opened again: settling has written what is cancelled here.
        with FileLedger.open(ledger) as writing:
            chosen = _choose(ledger, writing, selected.selection(), pending=pending)
            if not (chosen.active or chosen.dropped):
                output.say("no active run matches; nothing was cancelled")
                output.document({"cancelled": 0, "dropped": 0, "exit_status": 0})
                return ExitStatus.DONE
            if not output.confirm(f"{_description(chosen).capitalize()}?", yes=yes):
                output.tell("nothing was cancelled")
                return ExitStatus.STOPPED
            anyio.run(drop_runs, writing, chosen.dropped)
            result, stop = _cancel(writing, api, chosen.active, output)
        # With the lock released: following takes it for each append.
        wait = (
            None if no_wait or stop or not result.requested else wait_until_ended(ledger, api, result.requested, output)
        )
    if wait is not None and wait.is_over_time:
        output.warn(wait.problem(ledger))
    return _show(chosen, result, output, wait=wait, stop=stop)


def _choose(path: Path, ledger: FileLedger, selection: Selection, *, pending: bool) -> CancelChoice:
    plan = plan_of(read_batch(path), path, os.environ, resolve=False) if pending else None
    return choose_to_cancel(path, ledger.state, selection, plan)


def _cancel(
    ledger: FileLedger, api: ApiSettings, rows: Iterable[RunRow], output: Output
) -> tuple[Cancellation, Stop | None]:
    """The result, and the signal that cut it short. Cancelling may be repeated, so no call is waited for after a signal."""
    targets = [Target(key=row.key, run_id=row.run_id or "", name=row.name) for row in rows]

    def report(result: Cancellation) -> None:
        if result.done % 50 == 0 and result.done < len(targets):
            output.tell(f"{result.done:,} of {numbered(len(targets), 'run')} requested")

    async def work(switch: StopSwitch) -> tuple[Cancellation, Stop | None]:
        async with RunsClient(api, open_transport(api, connections=CONNECTIONS)) as client:
            reader = reader_for(client, ledger.state)
            await switch.unless_pulled(partial(check_organization, client, reader, ledger.state, ledger.path))
            result = await cancel_runs(
                ledger,
                client,
                targets,
                reader=reader,
                on_progress=report,
                is_stopped=lambda: switch.is_pulled,
                unless_stopped=switch.unless_pulled,
            )
            return result, switch.stop

    run = partial(
        run_interruptible, work, output.urge, lambda: None, when_pulled="stopping", when_killed="cancel again"
    )
    return anyio.run(run, backend_options=loop_options())


def _show(
    chosen: CancelChoice, result: Cancellation, output: Output, *, wait: CancelWait | None, stop: Stop | None
) -> ExitStatus:
    for problem in as_few(result.problems):
        output.warn(problem)
    asked = f"cancellation requested for {numbered(len(result.requested), 'run')}"
    asked += f" ({wait.counts()})" if wait is not None else ""
    lines = [asked] if result.requested else []
    lines += [f"{numbered(len(result.had_ended), 'run')} had already ended"] if result.had_ended else []
    lines += [f"{numbered(len(result.problems), 'run')} could not be cancelled"] if result.problems else []
    lines += [f"{numbered(len(result.not_asked), 'run')} not cancelled"] if result.not_asked else []
    lines += [f"{numbered(len(chosen.dropped), 'run')} dropped"] if chosen.dropped else []
    output.say("; ".join(lines))
    status = ExitStatus.STOPPED if wait is not None and wait.is_over_time else ExitStatus.DONE
    status = ExitStatus.INCOMPLETE if result.problems or result.not_asked else status
    if stop is not None:
        status = ExitStatus.INTERRUPTED if stop.reason is StopReason.INTERRUPTED else ExitStatus.TERMINATED
    document: dict[str, Any] = {
        "cancelled": len(result.requested),
        "had_ended": len(result.had_ended),
        "failed": [problem.json() for problem in result.problems],
        "left_alone": len(result.not_asked),
        "dropped": len(chosen.dropped),
        "statuses": dict(Counter(wait.statuses.values())) if wait is not None else {},
    }
    output.document(document | {"exit_status": int(status)})
    return status
