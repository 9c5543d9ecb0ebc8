"""The public ``follow``: a stream of status changes until all runs of a batch have ended."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.pacing.pacer import Pacer
from batchrun.errors import Problem
from batchrun.ledger.find import find_ledger
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient

__all__ = ["follow"]


async def follow(
    ledger: str | Path,
    client: RunsClient,
    *,
    on_note: Callable[[Problem], None] = ignored,
    read_rate: float | None = None,
) -> AsyncGenerator[Change, None]:
    """Follow a batch's runs until all have ended, and yield each status change.

    Works alongside a session that creates more runs, and alongside other processes that follow the same batch: each status
    is written to the ledger once, by whichever process can write first. Stopping the iteration does not affect the runs;
    wrap it in ``contextlib.aclosing`` to record immediately what was learned so far.

    Args:
        ledger: The path of the batch's ledger, or of the sweep next to it.
        client: An open client of the batch's service. Refused read requests slow this down.
        on_note: Called with each problem worth knowing, such as a call that the service refuses.
        read_rate: Maximum read requests per second; None means 5.

    Raises:
        ApiError: the service refuses a call that following needs.
        LedgerError: the ledger cannot be used, or was replaced or removed.
        LedgerMismatchError: the API key belongs to another organization.

    """
    # A generator cannot yield from a callback: changes are collected, and passed on after each look.
    changes, pacer = list[Change](), Pacer(rate=None, read_rate=read_rate)
    client.on_refused = pacer.read_refused
    path = await anyio.to_thread.run_sync(find_ledger, Path(ledger))
    follower = await BatchFollower.open(
        path, client, wait_for_read=pacer.wait_for_read, on_change=changes.append, on_note=on_note
    )
    async with aclosing(follower.looks()) as looks:
        async for _ in looks:
            for change in changes:
                yield change
            changes.clear()
