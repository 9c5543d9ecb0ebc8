"""Settle unknown runs with nothing but the ledger and the service, for callers that send nothing."""

import anyio.to_thread

from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.preflight.earlier_runs import earlier_runs
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.preflight.ledger_check import check_service
from batchrun.engine.preflight.service_check import ServiceCheck
from batchrun.engine.progress import NO_OBSERVER, Observer, Reporter
from batchrun.engine.session.session import run_session
from batchrun.engine.session.wiring import SessionSpec
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submission import Submission
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.client import RunsClient

__all__ = ["settle"]


async def settle(
    ledger: FileLedger,
    client: RunsClient,
    *,
    settings: SubmitSettings | None = None,
    observer: Observer = NO_OBSERVER,
    switch: StopSwitch | None = None,
    base_url: str | None = None,
) -> Submission:
    """Settle every run whose outcome is unknown, without sending anything.

    Needs only the ledger and the service, so it works even if the manifest or a data file has changed or is gone.

    Args:
        ledger: Open for writing; it must contain a batch.
        client: An open client of the batch's service.
        settings: How long to wait, and how fast to read; the manifest's settings are not used.
        observer: Receives progress and notes.
        switch: Pull it to stop.
        base_url: The service's name in the ledger; defaults to the client's base URL.

    Raises:
        LedgerMismatchError: the ledger belongs to another service or organization.

    """
    check_service(ledger.state, base_url or client.settings.base_url)
    switch, reporter, settings = switch or StopSwitch(), Reporter(observer), settings or SubmitSettings()
    pacer = pacer_for(client, settings, ledger.state)
    check = ServiceCheck(
        plan=None,
        ledger=ledger,
        client=client,
        wait_for_read=pacer.wait_for_read,
        reporter=reporter,
        existing=Existing.REFUSE,
    )
    # Before anything is concluded: with another organization's key, every unknown run would look absent.
    await check.apply(await switch.unless_pulled(check.run), switch)
    return await run_session(
        SessionSpec(
            plan=None,
            ledger=ledger,
            client=client,
            pacer=pacer,
            settings=settings,
            reporter=reporter,
            switch=switch,
            earlier=await anyio.to_thread.run_sync(earlier_runs, None, ledger.state, ledger.path),
            is_same_organization=check.is_same_organization,
        )
    )
