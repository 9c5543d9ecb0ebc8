"""The public ``fetch_costs``: what a batch costs, as the service reports it now."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.settings import SubmitSettings
from batchrun.errors import ApiError, Problem
from batchrun.ledger.find import find_ledger
from batchrun.ledger.shared import SharedLedger
from batchrun.ledger.state import BatchState
from batchrun.report.cost_totals import CostTotals, cost_totals
from batchrun.report.rows import read_rows
from batchrun.steering.common import reader_of
from batchrun.tracking.access import check_organization
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.costs import refresh_costs, unsettled_runs
from batchrun.wherobots.billing import Billing
from batchrun.wherobots.client import RunsClient

__all__ = ["fetch_costs"]


async def fetch_costs(
    ledger: str | Path, client: RunsClient, *, look: bool = True, on_note: Callable[[Problem], Any] = ignored
) -> CostTotals:
    """Fetch every cost that may have changed, record it, and return the batch's totals from the ledger.

    Amounts are exact decimals: spatial units, and money by currency. One call fetches the costs of a hundred runs. If the
    service refuses that call, each run's metrics are read instead; if it refuses those too, the totals are those in the
    ledger. The call needs each run's app id, so the status of runs that were never followed is read first.

    Args:
        ledger: The path of the batch's ledger, or of its sweep. Another process may be writing the ledger; costs that
            cannot be recorded for that reason are reported to ``on_note``.
        client: An open client of the batch's service.
        look: First read the status of runs that were never followed.
        on_note: Called with each problem worth knowing, such as a call that the service refuses.

    Raises:
        LedgerError: the ledger cannot be read or written.
        LedgerMismatchError: the API key belongs to another organization.

    """
    path = await anyio.to_thread.run_sync(find_ledger, Path(ledger))
    shared = await anyio.to_thread.run_sync(SharedLedger.open, path)
    reader = reader_of(client, shared.state)
    await check_organization(client, reader, shared.state, path)
    apps: Mapping[str, str | None] = {}
    # Costs are asked for by the id of a run's app, which only a look at the run shows.
    if look and any(run.kube_app_id is None for run in unsettled_runs(shared.state)):
        apps = await _apps(path, client, on_note)
        await anyio.to_thread.run_sync(shared.refresh)
    report = await refresh_costs(shared, Billing(client), reader, apps=apps)
    for note in report.notes(str(path)):
        on_note(note)
    rows = await anyio.to_thread.run_sync(read_rows, path)
    return cost_totals(rows.rows)


async def _apps(path: Path, client: RunsClient, on_note: Callable[[Problem], Any]) -> Mapping[str, str | None]:
    """Read the runs once: costs are fetched by app id, which is known only after a look at the run."""
    wait_for_read = pacer_for(client, SubmitSettings(), BatchState()).wait_for_read
    try:
        follower = await BatchFollower.open(
            path, client, wait_for_read=wait_for_read, on_change=ignored, on_note=on_note
        )
        await follower.look_once()
    except ApiError as error:
        on_note(error.problems[0])
        return {}
    return follower.apps
