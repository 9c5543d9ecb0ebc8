"""The public ``rerun``: create runs once more, as a new generation."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio.to_thread

from batchrun.engine.generations import planned_with
from batchrun.engine.preflight.ledger_check import check_ledger
from batchrun.engine.progress import NO_OBSERVER, Observer
from batchrun.engine.rerun import request_rerun
from batchrun.engine.sending.units_limit import known_units
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submission import Submission
from batchrun.engine.submit import submit
from batchrun.ledger.file import FileLedger
from batchrun.ledger.find import find_ledger
from batchrun.report.choice import RerunChoice, choose_to_rerun
from batchrun.report.rows import read_rows
from batchrun.report.selection import Selection
from batchrun.steering.common import ledgers_plan, ledgers_service, reader_of
from batchrun.sweep.manifest.overlay import rerun_settings
from batchrun.wherobots.client import RunsClient

__all__ = ["rerun"]


async def rerun(
    ledger: str | Path,
    client: RunsClient,
    *,
    runs: Sequence[str] = (),
    statuses: Sequence[str] = (),
    where: Sequence[str] = (),
    reason: str | None = None,
    limit: int | None = None,
    changes: Sequence[str] = (),
    settings: SubmitSettings | None = None,
    observer: Observer = NO_OBSERVER,
    switch: StopSwitch | None = None,
    environ: Mapping[str, str] | None = None,
) -> Submission | None:
    """Rerun created runs, each as a new generation under the same key. Returns None if no run matches.

    The request is durable before anything is sent: if the call is interrupted, ``submit`` or ``batchrun resume`` continues
    it. All other pending runs are sent as well.

    Args:
        ledger: The path of the batch's ledger, or of its sweep. No other process may be writing the ledger.
        client: An open client of the batch's service.
        runs: Names, keys or ids of runs. Without ``runs`` and ``statuses``, those that failed, timed out or were cancelled.
        statuses: Only runs with one of these statuses, such as ``"FAILED"``.
        where: Only runs with matching points, as for ``--where``: ``["region=us"]``. A run must match all of them.
        reason: Only runs whose failure reason contains this text, ignoring case.
        limit: At most this many runs, in plan order.
        changes: ``[run]`` settings to replace, as for ``--set``: ``["run.runtime=large"]``. The runs keep their keys.
        settings: How to submit; defaults to the manifest's ``[submit]`` table.
        observer: Receives progress and notes.
        switch: Pull it to stop the session.
        environ: The environment for ``{{env.NAME}}``; defaults to ``os.environ``.

    Raises:
        UsageError: a name, a status, a test or a setting is invalid, or a run has not ended; nothing was recorded.
        LedgerError: the ledger cannot be used, or another process is writing it.
        LedgerMismatchError: the sweep changed (nothing was recorded), or the API key belongs to another organization.

    """
    path = await anyio.to_thread.run_sync(find_ledger, Path(ledger))
    selection = Selection(names=runs, statuses=statuses, where=where, is_exact=True)
    replaced = rerun_settings(changes)
    values = os.environ if environ is None else environ
    plan = await anyio.to_thread.run_sync(ledgers_plan, path, values)
    found = await anyio.to_thread.run_sync(read_rows, path)
    rows = choose_to_rerun(found, RerunChoice(selection=selection, reason=reason, limit=limit))
    if not rows:
        return None
    chosen = settings or SubmitSettings.of(plan.submit)
    changed = await anyio.to_thread.run_sync(planned_with, plan, replaced)
    # A rerun that could never be sent, because the limit cannot be computed for it, must not be recorded.
    if chosen.stop_at_units is not None:
        runtimes = sorted({demand.runtime for demand in changed.demands})
        await known_units(runtimes, client, reader_of(client, found.state))
    service = ledgers_service(found.state.batch)
    named = service or client.settings.base_url
    check = partial(check_ledger, plan, found.state, path, service=named, environ=values)
    await anyio.to_thread.run_sync(check)  # a request that cannot be carried out now must not be recorded
    with FileLedger.open(path) as opened:
        await request_rerun(opened, [row.key for row in rows], replaced)
    with FileLedger.open(path) as opened:
        return await submit(plan, opened, client, settings=chosen, observer=observer, switch=switch, base_url=service)
