"""The public ``follow``: a batch's runs to their end, as a stream of changes."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import anyio.to_thread

from batchrun.engine.pacing.pacer import Pacer
from batchrun.errors import Problem
from batchrun.ledger.find import find_ledger
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient

__all__ = ["follow"]


def _ignored(_: Problem) -> None:
    pass


async def follow(
    ledger: str | Path,
    client: RunsClient,
    *,
    on_note: Callable[[Problem], None] = _ignored,
    read_rate: float | None = None,
) -> AsyncGenerator[Change, None]:
    """Follow a batch's runs until all have ended, and yield each change of a status.

    Works beside a session that creates more runs, and beside other processes that follow the same batch: each status is
    written to the ledger once, by whoever may write it first. The runs are left alone when the iteration is given up; wrap
    it in ``contextlib.aclosing`` to record at once what was learned by then.

    Args:
        ledger: The batch's ledger, or the sweep that it lies beside.
        client: Open, for the service that the batch belongs to. Refusals of its reading calls slow this down.
        on_note: Receives what a person should know, such as a call that the service refuses.
        read_rate: Reading calls a second, at most; None is 5.

    Raises:
        ApiError: the service refuses what following needs.
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
