"""Submit one batch: the public ``submit``."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import anyio.to_thread

from batchrun.engine.batch import extended_batch, new_batch
from batchrun.engine.earlier_runs import earlier_runs
from batchrun.engine.generations import generations_of
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.preflight import Preflight, check_ledger, check_plan
from batchrun.engine.progress import NO_OBSERVER, Observer, Reporter
from batchrun.engine.service_check import Existing, ServiceCheck
from batchrun.engine.session import run_session
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop, StopSwitch
from batchrun.engine.submission import Submission
from batchrun.engine.units_limit import open_spending
from batchrun.engine.uploading import upload_local_files
from batchrun.engine.wiring import SessionSpec
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
    settings, switch, reporter = settings or SubmitSettings.of(plan.submit), switch or StopSwitch(), Reporter(observer)
    check_plan(plan, client.settings.secret)
    client.secrets.add_values(plan.environment.values())
    allowed = partial(check_ledger, extend=extend, recreate=recreate, to_another_server=to_another_server)
    preflight = await _check_ledger(allowed, plan, ledger, service, retry)
    pacer = pacer_for(client, settings, ledger.state)
    check = ServiceCheck(
        plan=plan,
        ledger=ledger,
        client=client,
        wait_for_read=pacer.wait_for_read,
        reporter=reporter,
        existing=existing,
        is_moved=preflight.service_changed,
    )
    spec = SessionSpec(
        plan=plan,
        ledger=ledger,
        client=client,
        pacer=pacer,
        settings=settings,
        reporter=reporter,
        switch=switch,
        retry=retry,
        on_change=on_change,
    )
    return await run_session(await _prepare(spec, plan, check, preflight, service))


async def _check_ledger(
    check: Callable[..., Preflight], plan: Plan, ledger: FileLedger, service: str, retry: frozenset[Outcome]
) -> Preflight:
    """In a thread: a changed plan is compared with the ledger's own, which is rebuilt from its files."""
    checking = partial(check, plan, ledger.state, ledger.path, service=service, retry=retry)
    return await anyio.to_thread.run_sync(checking)


async def _prepare(
    spec: SessionSpec, plan: Plan, check: ServiceCheck, preflight: Preflight, service: str
) -> SessionSpec:
    """Ask the service, and only then write: a refusal leaves neither a new ledger nor a changed one behind."""
    ledger, client, switch, in_thread = spec.ledger, spec.client, spec.switch, anyio.to_thread.run_sync
    generations = await in_thread(generations_of, plan, ledger.state)
    limit = spec.settings.stop_at_units
    spending_of = partial(open_spending, limit, plan, generations, ledger.state, client, spec.pacer)
    found = await switch.unless_pulled(check.run)
    spending = None if isinstance(found, Stop) else await switch.unless_pulled(spending_of)
    if preflight.is_new:
        await ledger.begin(await in_thread(new_batch, plan, service))
    elif preflight.target_changed:
        await ledger.begin(await in_thread(extended_batch, plan, ledger.state, service))
    await check.apply(found, switch)
    return replace(
        spec,
        earlier=await in_thread(earlier_runs, plan, ledger.state, ledger.path),
        is_same_organization=check.is_same_organization,
        destinations=await upload_local_files(plan, generations, ledger, client, reporter=spec.reporter, switch=switch),
        generations=generations,
        spending=spending,
    )
