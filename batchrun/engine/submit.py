"""Submit one batch: the public ``submit``."""

from collections.abc import Callable
from functools import partial

import anyio.to_thread

from batchrun.engine.batch import extended_batch, new_batch
from batchrun.engine.generations import generations_of
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.preflight.earlier_runs import earlier_runs
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.preflight.ledger_check import Preflight, check_ledger, check_plan
from batchrun.engine.preflight.service_check import ServiceCheck
from batchrun.engine.progress import NO_OBSERVER, Observer, Reporter
from batchrun.engine.sending.units_limit import open_spending
from batchrun.engine.sending.uploading import upload_local_files
from batchrun.engine.session.session import run_session
from batchrun.engine.session.wiring import SessionSpec
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop, StopSwitch
from batchrun.engine.submission import Submission
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import Outcome
from batchrun.sweep.plan import Plan
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient

__all__ = ["Submission", "submit"]


async def submit(
    plan: Plan,
    ledger: FileLedger,
    client: RunsClient,
    *,
    settings: SubmitSettings | None = None,
    observer: Observer = NO_OBSERVER,
    switch: StopSwitch | None = None,
    retry: frozenset[Outcome] = frozenset(),
    extend: bool = False,
    recreate: bool = False,
    existing: Existing = Existing.REFUSE,
    to_another_server: bool = False,
    base_url: str | None = None,
    on_change: Callable[[Change], None] | None = None,
) -> Submission:
    """Create every run of the plan that is not yet created according to the ledger, each exactly once.

    Args:
        plan: The runs to create, with the environment resolved: ``build_plan(manifest, environ=os.environ)``.
        ledger: Open for writing. A new ledger is started, an existing one continued; neither is closed.
        client: An open client of the batch's service; it is not closed.
        settings: How to submit; defaults to the manifest's ``[submit]`` table.
        observer: Receives progress and notes.
        switch: Pull it to stop the batch.
        retry: Outcomes (rejected, failed) whose runs are sent again.
        extend: Continue even if the plan changed after the batch started.
        recreate: With ``extend``, also recreate points that were created with a different payload; those runs are billed
            again.
        existing: What to do about existing runs that have planned names but are not in the ledger.
        to_another_server: Continue even if the batch started at a different base URL.
        base_url: The service's name in the ledger; defaults to the client's base URL.
        on_change: If given, created runs are followed while submitting, and it receives each status change.
            If it raises, it is detached like an observer.

    Raises:
        UsageError: the plan cannot be sent as it is, or ``stop_at_units`` is set and a runtime's units are not known.
        LedgerMismatchError: the ledger belongs to a different plan, service or organization, and that was not allowed.
        RunsExistError: the service holds runs that should be in the ledger, and ``existing`` does not say what to do about
            them.
        LedgerWriteError: the ledger could not be started; nothing was sent.

    """
    service = base_url or client.settings.base_url
    check_plan(plan, client.settings.secret)
    client.secrets.add_values(plan.environment.values())
    # In a thread: a changed plan is compared with the ledger's own, which is rebuilt from its files.
    compare = partial(
        check_ledger,
        service=service,
        retry=retry,
        extend=extend,
        recreate=recreate,
        to_another_server=to_another_server,
    )
    preflight = await anyio.to_thread.run_sync(compare, plan, ledger.state, ledger.path)
    return await _submit_checked(
        plan,
        ledger,
        client,
        preflight,
        settings=settings or SubmitSettings.of(plan.submit),
        reporter=Reporter(observer),
        switch=switch or StopSwitch(),
        retry=retry,
        existing=existing,
        service=service,
        on_change=on_change,
    )


async def _submit_checked(
    plan: Plan,
    ledger: FileLedger,
    client: RunsClient,
    preflight: Preflight,
    *,
    settings: SubmitSettings,
    reporter: Reporter,
    switch: StopSwitch,
    retry: frozenset[Outcome],
    existing: Existing,
    service: str,
    on_change: Callable[[Change], None] | None,
) -> Submission:
    """Ask the service, record the batch, upload its files, and run the session."""
    generations = await anyio.to_thread.run_sync(generations_of, plan, ledger.state)
    earlier = await anyio.to_thread.run_sync(earlier_runs, plan, ledger.state, ledger.path)
    pacer = pacer_for(client, settings, ledger.state)
    service_check = ServiceCheck(
        plan=plan,
        ledger=ledger,
        client=client,
        wait_for_read=pacer.wait_for_read,
        reporter=reporter,
        existing=existing,
        earlier=earlier,
        is_changed=preflight.target_changed,
        is_moved=preflight.service_changed,
    )
    # Ask the service, and only then write: a refusal leaves neither a new ledger nor a changed one behind.
    found = await switch.unless_pulled(service_check.run)
    opened_spending = partial(
        open_spending,
        settings.stop_at_units,
        plan,
        ledger.state,
        generations=generations,
        client=client,
        pacer=pacer,
    )
    spending = None if isinstance(found, Stop) else await switch.unless_pulled(opened_spending)
    await _record_batch(preflight, plan, ledger, service=service)
    await service_check.apply(found, switch)
    destinations = await upload_local_files(plan, generations, ledger, client, reporter=reporter, switch=switch)
    return await run_session(
        SessionSpec(
            plan=plan,
            ledger=ledger,
            client=client,
            pacer=pacer,
            settings=settings,
            reporter=reporter,
            switch=switch,
            retry=retry,
            generations=generations,
            earlier=earlier,
            destinations=destinations,
            is_same_organization=service_check.is_same_organization,
            on_change=on_change,
            spending=spending,
        )
    )


async def _record_batch(preflight: Preflight, plan: Plan, ledger: FileLedger, *, service: str) -> None:
    """Start a new ledger, or record that the batch's plan or service changed."""
    if preflight.is_new:
        await ledger.begin(await anyio.to_thread.run_sync(new_batch, plan, service))
    elif preflight.target_changed:
        await ledger.begin(await anyio.to_thread.run_sync(extended_batch, plan, ledger.state, service))
