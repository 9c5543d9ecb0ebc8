"""Steering a batch from Python: cancel its runs, run them again, read what they wrote, learn what they cost.

Every function takes the path of a ledger, or of the sweep that it lies beside, and an open client of the batch's service.
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
    """Cancel active runs of a batch, by the ids that its ledger holds; with ``pending``, drop those that were not sent yet.

    Runs that may or may not exist are looked for first. Each decision is durable before its call leaves. Safe to repeat.
    The runs end within a minute or so: ``follow`` shows it.

    Args:
        ledger: The batch's ledger, or its sweep. No other process may be writing it.
        client: Open, for the service that the batch belongs to.
        runs: Names, keys or ids of runs; by default, every run that fits the other arguments.
        statuses: Only runs with one of these statuses, such as ``"RUNNING"``.
        where: Only runs of matching points, as ``--where``: ``["region=us"]``; several must all hold.
        pending: Also drop runs that fit and were not sent yet.
        on_progress: Receives the result so far, after each call.
        environ: For planning the batch again, to know what is pending; by default this process's environment.

    Raises:
        UsageError: a name, a status or a test is not usable; nothing was done.
        LedgerError: the ledger cannot be used, or another process writes it.
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
    """Run created runs again, as a new generation under the same key; None if no run fits.

    What is to be run again is durable before anything is sent: if this is interrupted, ``submit`` or ``batchrun resume``
    continues it. Everything else that is pending is sent as well.

    Args:
        ledger: The batch's ledger, or its sweep. No other process may be writing it.
        client: Open, for the service that the batch belongs to.
        runs: Names, keys or ids of runs. Without these and ``statuses``: those that failed, timed out or were cancelled.
        statuses: Only runs with one of these statuses, such as ``"FAILED"``.
        where: Only runs of matching points, as ``--where``: ``["region=us"]``; several must all hold.
        reason: Only runs whose failure has this text in it, in any case.
        limit: At most so many runs, in plan order.
        changes: ``[run]`` settings to replace, as ``--set``: ``["run.runtime=large"]``. Keys stay those of the plan.
        settings: How to submit; by default, what the manifest's ``[submit]`` table says.
        observer: Receives progress and notes.
        switch: Lets the caller stop the session.
        environ: For values of ``{{env.NAME}}``; by default this process's environment.

    Raises:
        UsageError: a name, a status, a test or a setting is not usable, or a run has not ended; nothing was recorded.
        LedgerError: the ledger cannot be used, or another process writes it.
        LedgerMismatchError: the sweep changed, and nothing was recorded; or the API key belongs to another organization.

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
    """The lines of one run's log, in order, each once. They are untrusted text: clean them before a terminal shows them.

    Args:
        ledger: The batch's ledger, or its sweep.
        client: Open, for the service that the batch belongs to.
        run: The run's name, key or id; an id may also be that of an earlier generation.
        tail: Only the last so many lines. The service cannot read a log from its end, so all of it is read.
        follow: Wait for further lines until the run has ended; not together with ``tail``.
        quiet_s: With ``follow``: seconds without a line after which the log of an ended run is over, since lines land late.

    Raises:
        UsageError: no such run, or none of that name was created.
        LedgerError: the ledger cannot be read.
        ApiError: the service refuses its logs, or does not know the run.

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
    """Ask the service for every cost that may have changed, record it, and return the batch's sums from the ledger.

    Amounts are exact decimals: spatial units, and money by currency. Runs that nobody followed are looked at first, since
    costs are asked for by what the service shows of a run. A hundred runs a call; where the service refuses that,
    each run's metrics are asked for, and where it refuses those too, the sums are what the ledger has.

    Args:
        ledger: The batch's ledger, or its sweep. Another process may be writing it: what cannot be recorded then is noted.
        client: Open, for the service that the batch belongs to.
        look: Look at runs first that nobody followed so far.
        on_note: Receives what a person should know, such as a call that the service refuses.

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
    """One look at the runs: costs are asked for by the ids of their apps, which nobody knows who has not looked yet."""
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
    """How the ledger names the client's service, if not by its base URL."""
    return EMULATOR if batch is not None and batch.base_url == EMULATOR else None


def _reader(client: RunsClient, state: BatchState) -> Reader:
    return Reader(pacer_for(client, SubmitSettings(), state).wait_for_read)
