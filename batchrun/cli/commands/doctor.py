"""``batchrun doctor``."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from batchrun.cli import options as o
from batchrun.cli.ledgers import STDIN
from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output, Table
from batchrun.cli.planning import plan_from
from batchrun.engine.doctor.checks import local_checks, network_checks
from batchrun.engine.doctor.checkup import Check, Level
from batchrun.engine.doctor.probe import Probed, probe
from batchrun.errors import BatchrunError, SettingsError
from batchrun.ledger.location import LEDGER_SUFFIX, default_ledger
from batchrun.sweep.manifest.manifest import Overrides
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = """
Examples:

\b
  batchrun doctor
      check that everything is in place to submit a sweep
  batchrun doctor sweep.toml
      also check the sweep, its ledger, and what the organization allows
  batchrun doctor --probe
      print what read-only calls reveal about the service, to paste into an issue
"""

Sweep = Annotated[Path | None, typer.Argument(metavar="SWEEP", help="Manifest (.toml), saved plan or ledger to check.")]
Probe = Annotated[
    bool, typer.Option("--probe", help="Print what read-only calls reveal about the service; contains no secrets.")
]
MARKS = {Level.OK: "ok", Level.WARNING: "warning", Level.PROBLEM: "PROBLEM"}


def doctor(
    sweep: Sweep = None,
    *,
    probe_service: Probe = False,
    base_url: o.BaseUrl = None,
    as_json: o.Json = False,
) -> int:
    """Check that this machine is ready to submit runs: settings, network, API key, quotas, storage, ledger.

    Only reads; nothing is created, uploaded or changed. Setting values are never shown.
    """
    output = Output(as_json=as_json)
    plan, ledger = (None, None) if sweep is None else _sweep_and_ledger(sweep)
    checks = list(local_checks(os.environ, base_url=base_url, sweep=plan, ledger=ledger))
    probed: list[Probed] = []
    try:
        settings = ApiSettings.from_environment(os.environ, base_url=base_url)
    except SettingsError:
        pass  # a line of the checkup says so
    else:
        whole = plan if isinstance(plan, Plan) else None
        found = anyio.run(_ask, settings, whole, probe_service, backend_options=loop_options())
        checks += found[0]
        probed = found[1]
    _show(checks, probed, output)
    has_problem = any(check.level is Level.PROBLEM for check in checks)
    output.document(_document(checks, probed) | {"exit_status": int(has_problem)})
    return int(has_problem)


def _sweep_and_ledger(path: Path) -> tuple[Plan | BatchrunError | None, Path | None]:
    """A ledger is checked as such; a sweep with the ledger beside it, unless it was piped in."""
    if path.name.endswith(LEDGER_SUFFIX):
        return None, path
    return _planned(path), None if path == STDIN else default_ledger(path)


def _planned(sweep: Path) -> Plan | BatchrunError:
    try:
        return plan_from(sweep, Overrides(), os.environ, resolve=True)
    except BatchrunError as error:
        return error


async def _ask(settings: ApiSettings, plan: Plan | None, probe_service: bool) -> tuple[list[Check], list[Probed]]:
    checks = [check async for check in network_checks(settings, plan)]
    if not probe_service or any(check.level is Level.PROBLEM and check.subject == "API key" for check in checks):
        return checks, []
    async with RunsClient(settings, open_transport(settings, connections=1)) as client:
        return checks, [one async for one in probe(client)]


def _show(checks: list[Check], probed: list[Probed], output: Output) -> None:
    output.table(
        Table(
            head=("", "check", "found"), rows=tuple((MARKS[check.level], check.subject, check.fact) for check in checks)
        )
    )
    for fix in _fixes(checks):
        output.say(fix)
    if probed:
        output.say("")
        rows = tuple((one.question, one.answer) for one in probed)
        output.table(Table(head=("question about the service", "answer"), rows=rows))


def _fixes(checks: list[Check]) -> Iterator[str]:
    for check in checks:
        if check.level is not Level.OK and check.fix:
            yield f"{MARKS[check.level]}: {check.subject}: {check.fix}"


def _document(checks: list[Check], probed: list[Probed]) -> dict[str, Any]:
    document: dict[str, Any] = {"checks": [check.json() for check in checks]}
    if probed:
        document["probed"] = {one.question: one.answer for one in probed}
    return document
