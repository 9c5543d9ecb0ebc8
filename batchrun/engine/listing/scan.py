"""Read lists of runs to the end, page by page, and determine whether they were complete."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from batchrun.engine.evidence import is_complete, name_key, name_keys
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.verdicts import NextStep, is_call_refused, judge_read
from batchrun.errors import ApiError
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.clock import ServerClock
from batchrun.wherobots.http_statuses import INVALID, NOT_FOUND
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["Scan", "Scanner"]

T = TypeVar("T")

TRIES_A_PAGE = 5
"""A failed page is retried by itself: with one call in ten failing, a scan of a hundred pages would otherwise never end."""
TRIES_WITHOUT_ANSWER = 2
"""The same for a service that never answered: most likely the address is wrong, and somebody waits."""
MOST_RUNS = 2_000_000
"""Runs of one list that are read, at most (about 400 MB): twice the largest batch that is measured."""
LONGEST_CURSOR = 4096
"""Characters of a cursor that goes into a URL."""
SPARE_RUNS = 1_000
"""Runs beyond what ``total`` promised before a list is taken for endless: some may be created while it is read."""
LONGEST_WAIT_S = 60.0
"""The longest ``Retry-After`` that a page waits for; then the scan fails, and is repeated later."""


@dataclass(slots=True)
class Scan:
    """What has been read of one list so far."""

    ids: dict[str, int] = field(default_factory=dict)
    """The distinct runs, each with the hash of its name."""
    totals: list[int | None] = field(default_factory=list)
    reached_end: bool = False
    pages_without_news: int = 0
    """Pages in a row that showed nothing new: runs that are created meanwhile may move a page's worth to the next."""

    def add(self, page: RunSummaryPage) -> None:
        """Add a page that was read.

        Raises:
            ApiError: the list gives one id to two names, so it cannot be trusted.

        """
        before = len(self.ids)
        for run in page.items:
            name = hash(run.name)
            if self.ids.setdefault(run.id, name) != name:
                raise _same_id(run.id)
        self.totals.append(page.total)
        self.pages_without_news = 0 if len(self.ids) > before else self.pages_without_news + 1

    @property
    def is_stuck(self) -> bool:
        """Whether further reading is pointless: the list never ends."""
        return self.pages_without_news > 1 or len(self.ids) > MOST_RUNS

    def is_complete(self, *, grown: int = 0) -> bool:
        """Whether everything was read; ``grown`` runs are known to have been created meanwhile."""
        return bool(self.totals) and is_complete(self.ids, self.totals, reached_end=self.reached_end, grown=grown)


class Scanner:
    """Reads lists with one client; ``wait`` is awaited before each call, so that reading has a rate of its own."""

    def __init__(self, client: RunsClient, wait: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self.wait = wait
        """Awaited before each call."""

    @property
    def has_answered(self) -> bool:
        """Whether the service has ever responded to this client."""
        return self._client.has_answered

    async def first_page(self, *, name: str | None = None, created_after: float | None = None) -> RunSummaryPage:
        """One page of a list.

        Raises:
            ApiError: it cannot be read after several tries.

        """
        return await self._page(name, created_after, None)

    async def pages(
        self,
        scan: Scan,
        *,
        name: str | None = None,
        created_after: float | None = None,
        first: RunSummaryPage | None = None,
        most_pages: int | None = None,
    ) -> AsyncIterator[list[RunSummary]]:
        """The runs of each page, as they arrive; ``scan`` is kept up to date with what was read.

        A list that repeats a cursor, continues without new runs, or far exceeds its own total stops the scan before its
        end.

        Raises:
            ApiError: a page cannot be read after several tries, or contradicts itself.

        """
        page = first if first is not None else await self._page(name, created_after, None)
        cursors: set[str] = set()
        while True:
            scan.add(page)
            yield page.items
            cursor = page.next_page
            if cursor is None:
                scan.reached_end = True
                return
            # Counted in runs: a service may show fewer of them on a page than it was asked for.
            is_endless = scan.is_stuck or len(scan.ids) >= (page.total or 0) + SPARE_RUNS
            is_enough = most_pages is not None and len(scan.totals) >= most_pages
            if is_endless or is_enough or cursor in cursors or len(cursor) > LONGEST_CURSOR:
                return
            cursors.add(cursor)
            page = await self._page(name, created_after, cursor)

    async def named(
        self, name: str, created_after: float | None = None, *, most_pages: int | None = None
    ) -> tuple[list[RunSummary], bool]:
        """The runs listed under a name, and whether the list is complete. Names may match by substring: compare them.

        Runs are among them whose name is this one in another spelling, or was it when they were sent.

        Raises:
            ApiError: a page cannot be read after several tries.

        """
        try:
            return await self._named(name, created_after, most_pages, query=name)
        except ApiError as error:
            if error.http_status not in INVALID or created_after is None:
                raise
        return await self._named(name, created_after, most_pages, query=None)  # the service does not filter by name

    async def _named(
        self, name: str, created_after: float | None, most_pages: int | None, *, query: str | None
    ) -> tuple[list[RunSummary], bool]:
        scan, listed, key = Scan(), list[RunSummary](), name_key(name)
        async for runs in self.pages(scan, name=query, created_after=created_after, most_pages=most_pages):
            listed += [run for run in runs if run.name == name or key in name_keys(run)]
        return listed, scan.is_complete()

    @property
    def clock(self) -> ServerClock:
        """The server's clock, which creation times are compared with."""
        return self._client.clock

    async def run(self, run_id: str) -> RunSummary | None:
        """One run by its id; None if the service does not know it.

        Raises:
            ApiError: it cannot be read after several tries.

        """
        try:
            return await self._persist(lambda: self._client.find(run_id))
        except ApiError as error:
            if error.http_status == NOT_FOUND:
                return None
            raise

    async def organization(self) -> str | None:
        """The id of the organization that the key belongs to; None if the service does not reveal it.

        Raises:
            ApiError: it cannot be read after several tries.

        """
        try:
            return await self._persist(self._client.organization_id)
        except ApiError as error:
            if is_call_refused(error):
                return None
            raise

    async def _page(self, name: str | None, created_after: float | None, cursor: str | None) -> RunSummaryPage:
        return await self._persist(
            lambda: self._client.list_page(name=name, created_after=created_after, cursor=cursor)
        )

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a read request, retrying if necessary."""
        for attempt in range(1, TRIES_A_PAGE + 1):
            await self.wait()
            try:
                return await call()
            except ApiError as error:
                wait_s = max(error.retry_after_s or 0.0, full_jitter_s(attempt))
                # What is refused for its status is refused again; only trouble that may pass is worth the wait.
                is_final = judge_read(error).next_step in {NextStep.STOP, NextStep.REJECT}
                if error.http_status is None and not self.has_answered:
                    is_final = attempt >= TRIES_WITHOUT_ANSWER
                if is_final or attempt == TRIES_A_PAGE or wait_s > LONGEST_WAIT_S:
                    raise
                await anyio.sleep(wait_s)
        raise AssertionError("unreachable")


def _same_id(run_id: str) -> ApiError:
    fact = f"the list gives the id {run_id[:40]} to two runs, so the list cannot be trusted"
    fix = "check the base URL and anything between this machine and the service"
    return ApiError("GET /runs", fact, fix, is_unreadable=True)
