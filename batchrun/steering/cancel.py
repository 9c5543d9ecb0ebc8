"""The public ``cancel``: end active runs, and drop runs that were not sent."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.drop import drop_runs
from batchrun.engine.settle_only import settle
from batchrun.ledger.file import FileLedger
from batchrun.ledger.find import find_ledger
from batchrun.report.choice import choose_to_cancel
from batchrun.report.selection import Selection
from batchrun.steering.common import ledgers_plan, ledgers_service, reader_of
from batchrun.tracking.access import check_organization
from batchrun.tracking.cancel import Cancellation, Target, cancel_runs
from batchrun.wherobots.client import RunsClient

__all__ = ["cancel"]


async def cancel(
    ledger: str | Path,
    client: RunsClient,
    *,
    runs: Sequence[str] = (),
    statuses: Sequence[str] = (),
    where: Sequence[str] = (),
    pending: bool = False,
    on_progress: Callable[[Cancellation], object] = ignored,
    environ: Mapping[str, str] | None = None,
) -> Cancellation:
    """Cancel active runs of a batch, by the ids in its ledger; with ``pending``, also drop those not sent yet.

    Unknown runs are settled first. Each decision is durable before its request is sent. Safe to repeat. The runs end
    within a minute or so; use ``follow`` to wait for that.

    Args:
        ledger: The path of the batch's ledger, or of its sweep. No other process may be writing the ledger.
        client: An open client of the batch's service.
        runs: Names, keys or ids of runs; defaults to every run that matches the other arguments.
        statuses: Only runs with one of these statuses, such as ``"RUNNING"``.
        where: Only runs with matching points, as for ``--where``: ``["region=us"]``. A run must match all of them.
        pending: Also drop matching runs that were not sent yet.
        on_progress: Called with the result so far, after each request.
        environ: The environment for rebuilding the plan, which shows what is pending; defaults to ``os.environ``.

    Raises:
        UsageError: a name, a status or a test is invalid; nothing was done.
        LedgerError: the ledger cannot be used, or another process is writing it.
        LedgerMismatchError: the API key belongs to another organization.

    """
    path = await anyio.to_thread.run_sync(find_ledger, Path(ledger))
    selection = Selection(names=runs, statuses=statuses, where=where, is_exact=True)
    # A run that may exist has no id to cancel it by, so it is looked for first.
    await _settle_unknown(path, client)
    with FileLedger.open(path) as opened:
        reader = reader_of(client, opened.state)
        await check_organization(client, reader, opened.state, path)
        values = os.environ if environ is None else environ
        planning = partial(ledgers_plan, path, values, resolve=False)
        plan = await anyio.to_thread.run_sync(planning) if pending else None
        chosen = await anyio.to_thread.run_sync(choose_to_cancel, path, opened.state, selection, plan)
        # Before the calls, which may take minutes: whatever ends them, what is dropped is not sent.
        await drop_runs(opened, chosen.dropped)
        targets = [Target(key=row.key, run_id=row.run_id or "", name=row.name) for row in chosen.active]
        result = await cancel_runs(opened, client, targets, reader=reader, on_progress=on_progress)
    result.dropped = [run.name for run in chosen.dropped]
    return result


async def _settle_unknown(path: Path, client: RunsClient) -> None:
    with FileLedger.open(path) as opened:
        if opened.state.unknown:
            await settle(opened, client, base_url=ledgers_service(opened.state.batch))
