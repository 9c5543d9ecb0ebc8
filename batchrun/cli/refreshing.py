"""Query the service once, for a command that otherwise reads only its ledger."""

import os
from collections.abc import Callable
from pathlib import Path

import anyio

from batchrun.cli.loading import loop_options
from batchrun.cli.looking import service_of
from batchrun.cli.service import open_service
from batchrun.engine.pacing.pacer import Pacer
from batchrun.errors import Problem
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["refresh"]

CONNECTIONS = 2


def refresh(ledger: Path, on_note: Callable[[Problem], None], *, base_url: str | None) -> int:
    """Fetch what changed at the service since the last query and record it; returns the number of runs that changed.

    Raises:
        ApiError: the service cannot be read.
        LedgerError: the ledger cannot be used, or belongs to another service.

    """
    service = service_of(ledger, base_url=base_url)
    with open_service(service, os.environ, ledger=ledger, timeout_s=None) as api:
        return anyio.run(_look, ledger, api, on_note, backend_options=loop_options())


async def _look(ledger: Path, api: ApiSettings, on_note: Callable[[Problem], None]) -> int:
    pacer, changes = Pacer(rate=None), list[Change]()
    async with RunsClient(api, open_transport(api, connections=CONNECTIONS)) as client:
        client.on_refused = pacer.read_refused
        follower = await BatchFollower.open(
            ledger, client, wait_for_read=pacer.wait_for_read, on_change=changes.append, on_note=on_note
        )
        await follower.look_once()
    if follower.unrecorded:
        fact = f"{follower.unrecorded:,} changes were not recorded, because another process is writing the ledger"
        on_note(Problem(str(ledger), fact, "that process or the next refresh will record them"))
    return len(changes)
