"""Settle unknown runs first, which needs only the ledger: the sweep may have changed, or its files may be gone."""

from batchrun.cli.output import Output
from batchrun.cli.sessions import run_session
from batchrun.cli.text import numbered
from batchrun.engine.progress import Observer
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.settle_only import settle
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.engine.submit import Submission
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings

__all__ = ["settle_unknown"]

_SIGNALS = {StopReason.INTERRUPTED, StopReason.TERMINATED}


def settle_unknown(
    ledger: FileLedger, api: ApiSettings, settings: SubmitSettings, output: Output, *, service: str
) -> None:
    """Settle unknown runs, if there are any; nothing is sent.

    Raises:
        KeyboardInterrupt: a signal came.
        LedgerError: the ledger is of another service or organization, or it cannot be written.

    """
    state = ledger.state
    may_exist = state.unknown
    if not may_exist:
        return
    name = state.batch.name if state.batch is not None else str(ledger.path)
    output.tell(f"{name}: {numbered(may_exist, 'run')} may exist; settling them first")

    async def work(client: RunsClient, observer: Observer, switch: StopSwitch) -> Submission:
        return await settle(ledger, client, settings=settings, observer=observer, switch=switch, base_url=service)

    submission = run_session(work, api, settings, output=output, name=name)
    if submission.stop is not None and submission.stop.reason in _SIGNALS:
        # As if it came only now: the steps that the caller would take next must not follow.
        raise KeyboardInterrupt
    if submission.stop is not None:
        output.error(submission.stop.problem)
    progress = submission.progress
    absent = may_exist - progress.settled - progress.unknown
    not_there = f"; {numbered(absent, 'run')} not at the service" if absent > 0 else ""
    output.say(
        f"{numbered(progress.settled, 'run')} found{not_there}; {numbered(progress.unknown, 'run')} still unknown"
    )
