"""List the runs with many names: one long list if that takes fewer calls, otherwise one list per name."""

from collections.abc import Awaitable, Callable, Collection, Container, Iterable
from functools import partial
from itertools import takewhile
from math import ceil

from batchrun.callbacks import ignored
from batchrun.engine.listing.in_parallel import in_parallel
from batchrun.engine.listing.scan import Scan, Scanner
from batchrun.engine.pacing.pacer import Pacer
from batchrun.errors import ApiError
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.http_statuses import INVALID
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = [
    "MOST_PAGES_A_NAME",
    "READS_PER_S",
    "ReadObserver",
    "common_prefix",
    "paced_scanner",
    "read_names",
]

READS_PER_S = 20.0
"""Read requests a second of the commands that only look: nothing is being submitted beside them, and people wait."""
MOST_PAGES_A_NAME = 100
"""Pages of one name's list: services may match names by substring, and a broken one would never end."""

ReadObserver = Callable[[int, int | None], object]
"""Called with the number of runs or names read so far, and the total if it is known."""


def _no_next(_: str) -> None:
    return None


def paced_scanner(client: RunsClient, per_s: float | None = None) -> Scanner:
    """A scanner that makes at most ``per_s`` calls a second; a call that is refused for its rate slows it down."""
    pacer = Pacer(rate=None, read_rate=per_s or READS_PER_S)
    client.on_refused = pacer.read_refused
    return Scanner(client, pacer.wait_for_read)


async def read_names(
    scanner: Scanner,
    names: Collection[str],
    take: Callable[[RunSummary], object],
    *,
    created_after: float | None = None,
    grown: Callable[[], Awaitable[int]] | None = None,
    again: Callable[[], Collection[str]] | None = None,
    wanted: Container[str] | None = None,
    next_name: Callable[[str], str | None] = _no_next,
    observe: ReadObserver = ignored,
) -> frozenset[str]:
    """Pass each run that is listed under one of the names to ``take``; returns the names whose lists are not complete.

    ``names`` should answer ``in`` quickly. If the one long list proves incomplete, the names that ``again`` returns (by
    default, all) are listed one by one. ``grown`` finds out how many runs are known to have been created meanwhile.

    ``wanted`` holds further names whose runs are passed on if they are listed, such as those of reruns. Where names are listed
    one by one, the name that ``next_name`` returns for one is listed as well, and so on, as long as runs are found.

    Raises:
        ApiError: a list cannot be read after several tries.

    """
    if not names:
        return frozenset()
    scan, prefix, wanted = Scan(), common_prefix(names), names if wanted is None else wanted
    pattern = f"{prefix}*" if prefix else None
    read_each = partial(
        _read_each, scanner, take=take, created_after=created_after, next_name=next_name, observe=observe
    )
    first = await _first_page(scanner, pattern, created_after)
    # Pages against names: whichever takes fewer calls.
    if first is not None and first.total is not None and ceil(first.total / MAX_PAGE_SIZE) <= len(names):
        async for runs in scanner.pages(scan, name=pattern, created_after=created_after, first=first):
            for run in runs:
                if run.name is not None and run.name in wanted:
                    take(run)
            observe(len(scan.ids), max(first.total, len(scan.ids)))
        # Asked only if it matters: to find out, the ledger is read once more.
        if scan.is_complete() or (grown is not None and scan.is_complete(grown=await grown())):
            return frozenset()
        once_more = again() if again is not None else names
        left_out = frozenset(names).difference(once_more)
        return left_out | await read_each(once_more)
    return await read_each(names)


async def _first_page(scanner: Scanner, pattern: str | None, created_after: float | None) -> RunSummaryPage | None:
    """None if the service does not understand the pattern: names one by one it may."""
    try:
        return await scanner.first_page(name=pattern, created_after=created_after)
    except ApiError as error:
        if error.http_status in INVALID and pattern is not None:
            return None
        raise


async def _read_each(
    scanner: Scanner,
    names: Collection[str],
    *,
    take: Callable[[RunSummary], object],
    created_after: float | None,
    next_name: Callable[[str], str | None],
    observe: ReadObserver,
) -> frozenset[str]:
    doubtful: set[str] = set()
    done = 0

    async def read(name: str) -> None:
        nonlocal done
        read_now: str | None = name
        while read_now is not None:
            listed, is_whole = await scanner.named(read_now, created_after, most_pages=MOST_PAGES_A_NAME)
            for run in listed:
                take(run)
            if not is_whole:
                doubtful.add(name)
            # A name without runs ends the chain, but for the first: its own run may be older than what is listed.
            read_now = next_name(read_now) if listed or read_now == name else None
        done += 1
        observe(done, len(names))

    await in_parallel(names, read)
    return frozenset(doubtful)


def common_prefix(names: Iterable[str]) -> str:
    """The common prefix of all names, which is that of the least and the greatest of them."""
    least, greatest = min(names), max(names)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(least, greatest, strict=False)))
