"""``batchrun recover``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.flags import SweepFlags, expand_flags
from batchrun.cli.ledgers import ledger_for
from batchrun.cli.looking import ask_service
from batchrun.cli.moments import moment_from
from batchrun.cli.output import Output
from batchrun.cli.planning import plan_from
from batchrun.cli.reading import reading
from batchrun.cli.service import service_name
from batchrun.cli.text import duration, numbered
from batchrun.cli.views.recover import show_recovery
from batchrun.engine.reconciling.recover import Recovery
from batchrun.engine.reconciling.recover import recover as rebuild
from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Overrides
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient

__all__ = ["EXAMPLES", "recover"]

EXAMPLES = """
Examples:

\b
  batchrun recover sweep.toml
      rebuild sweep.ledger.jsonl from the runs that the service lists
  batchrun recover sweep.toml --since 2026-11-24
      the same, if earlier batches had runs with the same names
"""

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Ignore runs created before this date or time (UTC by default), or longer ago than this, e.g. 2d.",
    ),
]
To = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="PATH", help="Ledger to write; defaults to SWEEP.ledger.jsonl next to the sweep."),
]

InEmulator = Annotated[bool, typer.Option("--emulator", help="Recover runs that were submitted to the emulator.")]


@expand_flags
def recover(
    sweep: o.SweepArgument,
    *,
    since: Since = None,
    ledger: To = None,
    settle_after: o.SettleAfter = None,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    emulator: InEmulator = False,
    overrides: SweepFlags,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Rebuild a lost ledger from the sweep and from the runs that the service lists.

    A planned run becomes submitted if exactly one listed run matches it; ambiguous ones stay unknown. Nothing is sent:
    run batchrun submit afterwards. An existing file is never overwritten.
    """
    output = Output(as_json=as_json, quiet=quiet)
    plan = _plan(sweep, overrides.overrides())
    path, service = (
        ledger_for(sweep, ledger, emulator=emulator),
        # The ledger that would say which service has the batch is the one that is lost.
        service_name(os.environ, base_url=base_url, emulator=emulator),
    )
    since_s = moment_from("--since", since)
    settle_after_s = o.seconds_from("--settle-after", settle_after)

    def on_wait(missing: int, wait_s: float) -> None:
        what = (
            f"{numbered(missing, 'run')} not listed; looking" if missing else "every run is listed; looking for reruns"
        )
        output.tell(f"recover: {what} again in {duration(wait_s)}")

    with reading(output, "recover") as observe:

        async def work(client: RunsClient) -> Recovery:
            return await rebuild(
                plan,
                client,
                path,
                since_s=since_s,
                settle_after_s=settle_after_s,
                base_url=service,
                observe=observe,
                on_wait=on_wait,
            )

        found = ask_service(service, work, ledger=path, timeout_s=o.seconds_from("--timeout", timeout))
    return show_recovery(found, plan.runs, o.resume_command(path, base_url=base_url, timeout=timeout), output)


def _plan(sweep: Path, overrides: Overrides) -> Plan:
    """The plan with its environment, so that a later submit sees no change; or without it, since recovering needs no values."""
    try:
        return plan_from(sweep, overrides, os.environ, resolve=True)
    except ManifestError:
        return plan_from(sweep, overrides, os.environ, resolve=False)
