"""One session of a batch under the command line: an event loop, a client, a view of the progress, and signals."""

from collections.abc import Awaitable, Callable

import anyio

from batchrun.cli.interrupts import run_interruptible
from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output
from batchrun.cli.progress import View, view_for
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submit import Submission
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["SessionWork", "run_session"]

SPARE_CONNECTIONS = 2
"""For settling and for watching active runs, in addition to those that submit."""

SessionWork = Callable[[RunsClient, View, StopSwitch], Awaitable[Submission]]
"""What a session does: ``submit`` or ``settle``, with all other arguments bound."""


def run_session(
    work: SessionWork,
    api: ApiSettings,
    settings: SubmitSettings,
    *,
    output: Output,
    name: str,
    view: View | None = None,
) -> Submission:
    """Run a session to its end, or until a signal stops it.

    Raises:
        BatchrunError: it could not be started.

    """
    with view or view_for(output, name) as shown:
        return anyio.run(_run, work, api, settings, shown, output, backend_options=loop_options())


async def _run(work: SessionWork, api: ApiSettings, settings: SubmitSettings, view: View, output: Output) -> Submission:
    connections = settings.concurrency + SPARE_CONNECTIONS
    async with RunsClient(api, open_transport(api, connections=connections)) as client:

        async def with_switch(switch: StopSwitch) -> Submission:
            return await work(client, view, switch)

        return await run_interruptible(with_switch, output.urge, view.leave)
