"""The public ``read_logs``: one run's log, line by line."""

from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import anyio.to_thread

from batchrun.errors import UsageError
from batchrun.ledger.find import find_ledger
from batchrun.ledger.statuses import has_ended
from batchrun.report.choice import choose_log
from batchrun.report.rows import read_rows
from batchrun.steering.common import reader_of
from batchrun.tracking.log_cursor import LogLine
from batchrun.tracking.logs import QUIET_S, follow_log, read_log, tail_log
from batchrun.wherobots.client import RunsClient

__all__ = ["read_logs"]


async def read_logs(
    ledger: str | Path,
    client: RunsClient,
    run: str,
    *,
    tail: int | None = None,
    follow: bool = False,
    quiet_s: float = QUIET_S,
) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of one run's log, in order, each once.

    The lines are untrusted text: sanitize them before printing them to a terminal.

    Args:
        ledger: The path of the batch's ledger, or of its sweep.
        client: An open client of the batch's service.
        run: The run's name, key or id; an id may also be that of an earlier generation.
        tail: Only the last ``tail`` lines. The service cannot read a log from its end, so the whole log is read.
        follow: Wait for new lines until the run has ended. Cannot be combined with ``tail``.
        quiet_s: With ``follow``, seconds without a new line after which an ended run's log is complete: lines can arrive
            late.

    Raises:
        UsageError: there is no such run, or it was never created.
        LedgerError: the ledger cannot be read.
        ApiError: the service refuses to return the log, or does not know the run.

    """
    if follow and tail is not None:
        raise UsageError("read_logs", "follow and tail cannot be combined", "choose one of them")
    path = await anyio.to_thread.run_sync(find_ledger, Path(ledger))
    found = await anyio.to_thread.run_sync(read_rows, path)
    run_id, reader = choose_log(found, run), reader_of(client, found.state)

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
