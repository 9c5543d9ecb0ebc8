"""Costs that may have changed, asked for and recorded before a command answers from the ledger."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import anyio.to_thread

from batchrun.cli.looking import ask_service, reader_for, service_of
from batchrun.cli.text import numbered
from batchrun.errors import Problem
from batchrun.ledger.shared import SharedLedger
from batchrun.tracking.costs import CostReport, refresh_costs
from batchrun.wherobots.billing import Billing
from batchrun.wherobots.client import RunsClient

__all__ = ["refresh_ledger_costs"]


def refresh_ledger_costs(
    ledger: Path, on_note: Callable[[Problem], None], *, base_url: str | None, timeout_s: float | None = None
) -> None:
    """Ask the service for costs that may have changed, and record them.

    Raises:
        LedgerError: the ledger cannot be used, or belongs to another service.
        UsageError: the API key or another setting is missing.

    """
    service = service_of(ledger, base_url=base_url)
    report = ask_service(service, partial(_refresh, ledger), ledger=ledger, timeout_s=timeout_s)
    for problem in _notes(report, ledger):
        on_note(problem)


async def _refresh(ledger: Path, client: RunsClient) -> CostReport:
    shared = await anyio.to_thread.run_sync(SharedLedger.open, ledger)
    return await refresh_costs(shared, Billing(client), reader_for(client, shared.state))


def _notes(report: CostReport, ledger: Path) -> Iterator[Problem]:
    for problem in report.problems[:1]:  # the same for every call
        yield Problem(
            problem.place, problem.fact, "costs are taken from each run's metrics instead, where they are offered"
        )
    for reason, count in sorted(report.unavailable.items()):
        yield Problem(numbered(count, "run"), f"the service reports no costs: {reason}", "try again later")
    if report.unrecorded:
        fact = f"{numbered(report.unrecorded, 'cost')} could not be recorded: another process writes the ledger"
        yield Problem(str(ledger), fact, "try again when it has ended")
