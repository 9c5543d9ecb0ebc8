"""Read a run's log: all of it, its last lines, or as it grows."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from time import monotonic

import anyio

from batchrun.errors import ApiError
from batchrun.tracking.log_cursor import LogCursor, LogLine
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.wherobots.client import RunsClient

__all__ = ["FOLLOW_EVERY_S", "QUIET_S", "follow_log", "read_log", "tail_log"]

PAGE_LINES = 1000
"""The most that the service's own clients ask for at once."""
FOLLOW_EVERY_S = 2.0
"""As the service's own command line."""
MOST_EMPTY_PAGES = 1_000
"""In a row: a cursor may count milliseconds, of which some have no line, but not forever."""
QUIET_S = 60.0
"""Lines land late: a log is over when its run has ended and so long nothing came."""


async def read_log(client: RunsClient, run_id: str, *, reader: Reader) -> AsyncIterator[LogLine]:
    """Every line that the log has now.

    Raises:
        ApiError: a page cannot be read.

    """
    cursor, is_end = LogCursor(), False
    while not is_end:
        lines, is_end = await _next_page(client, run_id, cursor, reader)
        for line in lines:
            yield line


async def tail_log(
    client: RunsClient, run_id: str, count: int, *, reader: Reader, on_line: Callable[[], object] = lambda: None
) -> list[LogLine]:
    """The last ``count`` lines. The service offers no way to read a log from its end, so all of it is read.

    ``on_line`` is called for every line that was read.

    Raises:
        ApiError: a page cannot be read.

    """
    last: deque[LogLine] = deque(maxlen=count)
    async for line in read_log(client, run_id, reader=reader):
        last.append(line)
        on_line()
    return list(last)


async def follow_log(
    client: RunsClient,
    run_id: str,
    *,
    reader: Reader,
    is_ended: Callable[[], Awaitable[bool]],
    quiet_s: float = QUIET_S,
) -> AsyncIterator[LogLine]:
    """Every line, as it comes, until the run has ended and nothing came for ``quiet_s`` seconds.

    Raises:
        ApiError: a page cannot be read.

    """
    cursor, ended, last_s = LogCursor(), False, monotonic()
    while True:
        lines, is_end = await _next_page(client, run_id, cursor, reader)
        for line in lines:
            yield line
        if lines:
            last_s = monotonic()
        if not is_end:
            continue
        if ended and monotonic() - last_s >= quiet_s:
            return
        if not ended and await is_ended():
            ended, last_s = True, monotonic()
            continue  # once more at once: lines may have come between the page and the end
        await anyio.sleep(min(FOLLOW_EVERY_S, quiet_s) if quiet_s else 0)


async def _next_page(
    client: RunsClient, run_id: str, cursor: LogCursor, reader: Reader
) -> tuple[tuple[LogLine, ...], bool]:
    call = partial(client.logs, run_id, cursor=cursor.value, size=PAGE_LINES)
    try:
        found = await reader.read(call, may_miss=True)
    except CallRefusedError as error:
        raise error.error from None
    if found is None:
        fact = "HTTP 404: the service does not know this run any more, or does not offer logs"
        raise ApiError("GET /runs/{id}/logs", fact, "open the run in the console")
    items = [LogLine(item.timestamp, item.raw) for item in found.items]
    page = cursor.take(items, found.next_page, size=PAGE_LINES)
    if cursor.empty_pages >= MOST_EMPTY_PAGES:
        raise ApiError("GET /runs/{id}/logs", f"{MOST_EMPTY_PAGES:,} pages in a row contained no new line")
    if page.is_stuck and not page.lines:
        fact = f"more than {PAGE_LINES:,} lines have the time {items[-1].timestamp}, and the service does not return the rest"
        raise ApiError("GET /runs/{id}/logs", fact, "the log is complete up to there")
    return page.lines, page.is_end and not page.is_stuck
