"""Manage a batch from Python: cancel its runs, rerun them, read their logs, fetch their costs.

Every function takes the path of a ledger, or of the sweep next to it, and an open client of the batch's service.
"""

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread

from batchrun.engine.batch import plan_of
from batchrun.engine.drop import drop_runs
from batchrun.engine.generations import planned_with
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.preflight import check_ledger
from batchrun.engine.progress import NO_OBSERVER, Observer
from batchrun.engine.rerun import request_rerun
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.settle_only import settle
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submission import Submission
from batchrun.engine.submit import submit
from batchrun.engine.units_limit import known_units
from batchrun.errors import ApiError, Problem, UsageError
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.find import find_ledger
from batchrun.ledger.location import EMULATOR
from batchrun.ledger.reader import read_batch
from batchrun.ledger.shared import SharedLedger
from batchrun.ledger.state import BatchState
from batchrun.ledger.statuses import has_ended
from batchrun.report.choice import RerunChoice, choose_log, choose_to_cancel, choose_to_rerun
from batchrun.report.cost_totals import CostTotals, cost_totals
from batchrun.report.rows import read_rows
from batchrun.report.selection import Selection
from batchrun.sweep.manifest.overlay import rerun_settings
from batchrun.sweep.plan import Plan
from batchrun.tracking.access import check_organization
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.cancel import Cancellation, Target, cancel_runs
from batchrun.tracking.costs import refresh_costs, unsettled_runs
from batchrun.tracking.log_cursor import LogLine
from batchrun.tracking.logs import QUIET_S, follow_log, read_log, tail_log
from batchrun.tracking.reading import Reader
from batchrun.wherobots.billing import Billing
from batchrun.wherobots.client import RunsClient

__all__ = ["cancel", "fetch_costs", "read_logs", "rerun"]


def _ignored(_: object) -> None:
    pass


async def cancel(
    ledger: str | Path,
    client: RunsClient,
    *,
    runs: Sequence[str] = (),
    statuses: Sequence[str] = (),
    where: Sequence[str] = (),
    pending: bool = False,
    on_progress: Callable[[Cancellation], object] = _ignored,
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
    await _settle_unknown(path, client)
    with FileLedger.open(path) as opened:
        reader = _reader(client, opened.state)
        await check_organization(client, reader, opened.state, path)
        values = os.environ if environ is None else environ
        planning = partial(_plan, path, values, resolve=False)
        plan = await anyio.to_thread.run_sync(planning) if pending else None
        chosen = await anyio.to_thread.run_sync(choose_to_cancel, path, opened.state, selection, plan)
        await drop_runs(opened, chosen.dropped)
        targets = [Target(key=row.key, run_id=row.run_id or "", name=row.name) for row in chosen.active]
        result = await cancel_runs(opened, client, targets, reader=reader, on_progress=on_progress)
    result.dropped = [run.name for run in chosen.dropped]
    return result


def _plan(path: Path, environ: Mapping[str, str], *, resolve: bool = True) -> Plan:
    return plan_of(read_batch(path), path, environ, resolve=resolve)


async def _settle_unknown(path: Path, client: RunsClient) -> None:
    with FileLedger.open(path) as opened:
        if opened.state.unknown:
            await settle(opened, client, base_url=_ledgers_service(opened.state.batch))


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
    plan = await anyio.to_thread.run_sync(_plan, path, values)
    found = await anyio.to_thread.run_sync(read_rows, path)
    rows = choose_to_rerun(found, RerunChoice(selection=selection, reason=reason, limit=limit))
    if not rows:
        return None
    chosen = settings or SubmitSettings.of(plan.submit)
    changed = await anyio.to_thread.run_sync(planned_with, plan, replaced)
    if chosen.stop_at_units is not None:
        runtimes = sorted({demand.runtime for demand in changed.demands})
        await known_units(runtimes, client, _reader(client, found.state))
    service = _ledgers_service(found.state.batch)
    named = service or client.settings.base_url
    check = partial(check_ledger, plan, found.state, path, service=named, environ=values)
    await anyio.to_thread.run_sync(check)  # a request that could not be carried out now must not be recorded
    with FileLedger.open(path) as opened:
        await request_rerun(opened, [row.key for row in rows], replaced)
    with FileLedger.open(path) as opened:
        return await submit(plan, opened, client, settings=chosen, observer=observer, switch=switch, base_url=service)


async def read_logs(
    ledger: str | Path,
    client: RunsClient,
    run: str,
    *,
    tail: int | None = None,
    follow: bool = False,
    quiet_s: float = QUIET_S,
) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of one run's log, in order, each once.

    The lines are untrusted text: sanitize them before printing them to a terminal.

    Args:
        ledger: The path of the batch's ledger, or of its sweep.
        client: An open client of the batch's service.
        run: The run's name, key or id; an id may also be that of an earlier generation.
        tail: Only the last ``tail`` lines. The service cannot read a log from its end, so the whole log is read.
        follow: Wait for new lines until the run has ended. Cannot be combined with ``tail``.
        quiet_s: With ``follow``, seconds without a new line after which an ended run's log is complete: lines can arrive
            late.

    Raises:
        UsageError: there is no such run, or it was never created.
        LedgerError: the ledger cannot be read.
        ApiError: the service refuses to return the log, or does not know the run.

    """
    if follow and tail is not None:
        raise UsageError("read_logs", "follow and tail cannot be combined", "choose one of them")
    path = await anyio.to_thread.run_sync(find_ledger, Path(ledger))
    found = await anyio.to_thread.run_sync(read_rows, path)
    run_id, reader = choose_log(found, run), _reader(client, found.state)

    async def is_ended() -> bool:
        seen = await reader.read(partial(client.find, run_id), may_miss=True)
        return seen is None or has_ended(seen.status)

    if tail is not None:
        for line in await tail_log(client, run_id, tail, reader=reader):
            yield line
        return
    lines = (
        follow_log(client, run_id, reader=reader, is_ended=is_ended, quiet_s=quiet_s)
        if follow
        else read_log(client, run_id, reader=reader)
    )
    async for line in lines:
        yield line


async def fetch_costs(
    ledger: str | Path, client: RunsClient, *, look: bool = True, on_note: Callable[[Problem], Any] = _ignored
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
    reader = _reader(client, shared.state)
    await check_organization(client, reader, shared.state, path)
    apps: Mapping[str, str | None] = {}
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
            path, client, wait_for_read=wait_for_read, on_change=_ignored, on_note=on_note
        )
        await follower.look_once()
    except ApiError as error:
        on_note(error.problems[0])
        return {}
    return follower.apps


def _ledgers_service(batch: BatchEvent | None) -> str | None:
    """The name of the client's service in the ledger, if it is not its base URL."""
    return EMULATOR if batch is not None and batch.base_url == EMULATOR else None


def _reader(client: RunsClient, state: BatchState) -> Reader:
    return Reader(pacer_for(client, SubmitSettings(), state).wait_for_read)
