"""Upload local files before the first run is created; every destination is durable before a run relies on it."""

import anyio

from batchrun.engine.generations import Generations
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.progress import Progress, Reporter, outcome_counts
from batchrun.engine.stopping import Stop, StopReason, StopSwitch, ledger_stop
from batchrun.errors import LedgerWriteError, UploadError
from batchrun.ledger.events import UploadEvent
from batchrun.ledger.file import FileLedger
from batchrun.sweep.plan import Plan
from batchrun.uploads.destinations import Destinations
from batchrun.uploads.presigned import PresignedUploader
from batchrun.uploads.upload import Pending, Uploads, pending_uploads
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.storage import Storage

__all__ = ["upload_local_files"]

PROGRESS_EVERY_S = 0.1


async def upload_local_files(
    plan: Plan,
    generations: Generations,
    ledger: FileLedger,
    client: RunsClient,
    *,
    reporter: Reporter,
    switch: StopSwitch,
) -> Destinations:
    """Upload what the ledger does not know as uploaded, and return where everything is.

    A failure pulls the switch: what was uploaded is recorded, and the batch can be resumed.
    """
    uploaded = ledger.state.uploads
    pending = pending_uploads((*plan.uploads, *generations.uploads), uploaded)
    if pending and not switch.is_pulled:
        try:
            await switch.unless_pulled(lambda: _upload(pending, ledger, client, planned=plan.runs, reporter=reporter))
        except UploadError as error:
            first, *others = error.problems
            for problem in others:
                reporter.note(problem)
            switch.pull(Stop(StopReason.UPLOAD, first))
        except LedgerWriteError as error:
            switch.pull(ledger_stop(error))
    return Destinations(uploaded)


async def _upload(
    pending: list[Pending], ledger: FileLedger, client: RunsClient, *, planned: int, reporter: Reporter
) -> None:
    async def record(one: Pending, destination: str) -> None:
        file = one.file
        event = UploadEvent(
            at=ledger.clock.stamp(), path=file.path, sha256=file.sha256, region=one.region, destination=destination
        )
        with anyio.CancelScope(shield=True):  # record what was uploaded even now: otherwise it would be uploaded again
            await ledger.record_durably(event)
        ledger.state.uploads[file.name, file.sha256, one.region] = destination

    async def report() -> None:
        while True:
            outcomes = outcome_counts(ledger.state.count)
            reporter.progress(Progress(planned=planned, **outcomes, uploads=uploads.progress))
            await anyio.sleep(PROGRESS_EVERY_S)

    async with PresignedUploader() as uploader:
        uploads = Uploads(pending, storage=Storage(client), uploader=uploader, recorded=record, wait_s=full_jitter_s)
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(report)
            try:
                await uploads.run()
            except (UploadError, LedgerWriteError) as error:
                failure = error  # raised outside of the group, which would wrap it
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
