"""Wait until cancelled runs have ended, with progress and a time limit."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import join

import anyio

from batchrun.cli.interrupts import run_interruptible
from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output
from batchrun.cli.text import duration, numbered
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.stopping import StopSwitch
from batchrun.errors import BatchrunError, Problem
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.cancel import Target
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["CancelWait", "wait_until_ended"]

WAIT_S = 300.0
"""A cancelled run ends within a minute or so; one that has not by then may never."""
FIRST_LINE_AFTER_S = 10.0
LONGEST_SILENCE_S = 60.0
"""CI systems take a job that is silent for long for one that hangs, and end it."""
CONNECTIONS = 10
"""More than following uses: it makes one call at a time."""
NAMED = 3


@dataclass(slots=True)
class CancelWait:
    """The result of waiting for cancelled runs to end."""

    names: dict[str, str]
    """By run id."""
    statuses: dict[str, str]
    """The latest of each, by run id."""
    is_over_time: bool = False

    @property
    def active(self) -> list[str]:
        """The ids of runs that have not ended."""
        return [run_id for run_id in self.names if not has_ended(self.statuses.get(run_id))]

    def counts(self, run_ids: Sequence[str] | None = None) -> str:
        """Such as ``3 CANCELLED, 1 RUNNING``."""
        ids = self.names if run_ids is None else run_ids
        counted = Counter(self.statuses.get(run_id) or "of unknown status" for run_id in ids)
        return ", ".join(f"{count:,} {status}" for status, count in counted.most_common())

    def problem(self, ledger: Path) -> Problem:
        """Which runs are still active, and how to check on them later."""
        active = self.active
        names = [self.names[run_id] for run_id in active[:NAMED]]
        more = f" and {len(active) - NAMED:,} more" if len(active) > NAMED else ""
        fact = f"{numbered(len(active), 'run')} still active after {duration(WAIT_S)} ({self.counts(active)})"
        watch = join(["batchrun", "watch", str(ledger)])
        return Problem(
            str(ledger),
            f"{fact}: {', '.join(names)}{more}",
            f"the service accepted the requests; check later with {watch}, or in the console",
        )


def wait_until_ended(ledger: Path, api: ApiSettings, targets: Sequence[Target], output: Output) -> CancelWait:
    """Follow the runs until they have ended, Ctrl-C is pressed, or the time limit is reached.

    Raises:
        ApiError: the service refuses what following needs.
        LedgerError: the ledger cannot be read.

    """
    output.tell(
        f"waiting until {numbered(len(targets), 'run')} have ended; Ctrl-C stops waiting and does not affect them"
    )
    wait = CancelWait({target.run_id: target.name for target in targets}, {})
    work = partial(_follow, wait, ledger, api, output=output)
    anyio.run(partial(run_interruptible, work, output.urge, lambda: None), backend_options=loop_options())
    return wait


async def _follow(wait: CancelWait, ledger: Path, api: ApiSettings, switch: StopSwitch, *, output: Output) -> None:
    def learn(change: Change) -> None:
        if change.run_id in wait.names:
            wait.statuses[change.run_id] = change.status

    async with RunsClient(api, open_transport(api, connections=CONNECTIONS)) as client:
        pacer = Pacer(rate=None)
        client.on_refused = pacer.read_refused
        follower = await BatchFollower.open(
            ledger, client, wait_for_read=pacer.wait_for_read, on_change=learn, on_note=output.warn
        )
        # A run that the ledger knows as ended already would never change, and be waited for in vain.
        known = (run for run in follower.state.runs.values() if run.run_id in wait.names)
        wait.statuses |= {run.run_id or "": run.status for run in known if run.status}
        following = partial(follower.run, lambda: not wait.active)
        await _while_shown(wait, output, partial(switch.unless_pulled, following))


async def _while_shown(wait: CancelWait, output: Output, work: Callable[[], Awaitable[None]]) -> None:
    failure: BatchrunError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_keep_showing, wait, output)
        try:
            with anyio.move_on_after(WAIT_S) as scope:
                await work()
        except BatchrunError as error:  # raised outside of the group, which would wrap it
            failure = error
        wait.is_over_time = scope.cancelled_caught
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _keep_showing(wait: CancelWait, output: Output) -> None:
    began_s = time.monotonic()
    for silence_s in _silences():
        await anyio.sleep(silence_s)
        ended = len(wait.names) - len(wait.active)
        waited = duration(time.monotonic() - began_s)
        output.tell(f"{ended:,} of {numbered(len(wait.names), 'run')} ended after {waited}: {wait.counts()}")


def _silences() -> Iterator[float]:
    silence_s = FIRST_LINE_AFTER_S
    while True:
        yield silence_s
        silence_s = min(silence_s * 1.5, LONGEST_SILENCE_S)
