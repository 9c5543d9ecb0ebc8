"""Query the service once: list active runs, look up those missing from the list, report what changed."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import ceil

from batchrun.errors import ApiError, Problem
from batchrun.tracking.changes import Change, Followed
from batchrun.tracking.look_ups import LookUps
from batchrun.tracking.poller import ENDED, PENDING, Poller
from batchrun.tracking.reading import CallRefusedError, Reader, ReadFailure, failure_of
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["Follower"]

SHORT_LIST_LOOK_UPS = 20
"""Runs looked up after a list that was cut short: most of those that it lacks are still active."""
COUNT_ALL_EVERY = 10
"""Looks of which one lists what waits as well, where the others only count it."""
TRY_AGAIN_EVERY = 20
"""Looks without a call that the service refuses, before it is tried again."""


PageOf = Callable[[str | None], Awaitable[RunSummaryPage]]


@dataclass(slots=True)
class _Call:
    """Whether a kind of call may be made. The service refuses some, for a moment or always."""

    looks_without: int = 0
    refusal: ApiError | None = None
    """The last one."""

    @property
    def is_open(self) -> bool:
        return self.looks_without == 0

    def refuse(self, error: ApiError) -> None:
        self.looks_without, self.refusal = 1, error

    def begin_look(self) -> None:
        if self.looks_without:
            self.looks_without = (self.looks_without + 1) % TRY_AGAIN_EVERY


class Follower:
    """Looks at the runs of a poller. Call ``look`` again and again, and wait ``poller.rhythm.wait_s`` in between."""

    def __init__(
        self,
        *,
        client: RunsClient,
        poller: Poller,
        reader: Reader,
        on_change: Callable[[Change], None],
        on_note: Callable[[Problem], None],
    ) -> None:
        self._client = client
        self._poller = poller
        self._reader = reader
        self._on_change = on_change
        self._on_note = on_note
        self._noted: set[str] = set()
        self._looks = 0
        self._has_missed = False
        self._listing, self._asking = _Call(), _Call()

    async def look(self) -> None:
        """One look at everything that is followed.

        Raises:
            ApiError: the service cannot be read now; what the look found out before is reported all the same.
            CallRefusedError: no call that could follow a run works any longer.

        """
        if not self._poller.active:
            return
        self._poller.begin()
        self._looks += 1
        self._listing.begin_look()
        self._asking.begin_look()
        is_whole = await self._list_active() if self._listing.is_open else True
        most = None if is_whole else SHORT_LIST_LOOK_UPS
        await self._look_up(self._poller.look_ups(time.monotonic(), may_ask=self._asking.is_open, most=most))
        if (error := self._nothing_works()) is not None:
            self._listing, self._asking = _Call(), _Call()  # nothing replaces them, so the next look tries both again
            raise CallRefusedError(error)

    def _nothing_works(self) -> ApiError | None:
        """Why no call can follow a run; None if one can."""
        if self._listing.is_open or self._listing.refusal is None:
            return None
        if not self._asking.is_open:
            fact = "this API key can read neither the list nor single runs"
            fix = "use a key that may read runs; the runs continue"
            return ApiError("GET /runs", fact, fix, trouble=self._listing.refusal.trouble)
        # Without any Runs API at the base URL, each run seems to be missing.
        is_path_missing = failure_of(self._listing.refusal) is ReadFailure.NOT_FOUND
        is_any_known = self._poller.has_found or not self._has_missed
        if not is_path_missing or is_any_known:
            return None
        refusal = self._listing.refusal
        fix = "check the base URL: it is everything before /runs"
        return ApiError("GET /runs", refusal.problems[0].fact, fix, trouble=refusal.trouble)

    async def _list_active(self) -> bool:
        """List what is active; False if the list is shorter than it says."""
        try:
            # Up to a page of them, listing those that wait costs no more than counting them.
            if self._poller.waiting <= MAX_PAGE_SIZE or self._looks % COUNT_ALL_EVERY == 0:
                return await self._read_list(self._page_of(self._poller.listed_statuses))
            return await self._list_working()
        except CallRefusedError as refused:
            if self._poller.odd_statuses and self._poller.lists_odd:
                self._poller.lists_odd = False  # the list may only know the statuses that are published
                return await self._list_active()
            self._list_refused(refused)
            return True

    async def _list_working(self) -> bool:
        """List what works, and only count what waits: thousands of runs may wait for a place and do nothing else.

        Where the service has as many as there should be, the same ones still wait. One that ended while another batch's run
        of the same name prefix took its place in the count is noticed when all are listed again.
        """
        working = tuple(status for status in self._poller.listed_statuses if status != PENDING)
        is_whole = await self._read_list(self._page_of(working))
        counted = await self._reader.read(partial(self._page_of((PENDING,), size=1), None))
        if counted is not None and counted.total == self._poller.waiting:
            self._poller.still_waiting()
            return is_whole
        return await self._read_list(self._page_of((PENDING,))) and is_whole

    def _list_refused(self, refused: CallRefusedError) -> None:
        if failure_of(refused.error) is ReadFailure.UNAUTHORIZED:
            raise refused
        self._listing.refuse(refused.error)
        fact = f"the service refuses it: {refused.error.problems[0].fact}"
        self._note(Problem("GET /runs", fact, "runs are read one by one instead, with one call per run"))

    async def _look_up(self, plan: LookUps) -> None:
        if plan.listed and self._listing.is_open:
            await self._list_ended(plan)
        for run in (*self._poller.still_unseen(plan.listed), *plan.by_id):
            if self._asking.is_open:
                await self._ask(run)

    async def _list_ended(self, plan: LookUps) -> None:
        def left() -> int:
            return len(self._poller.still_unseen(plan.listed))

        try:
            await self._read_list(self._page_of(ENDED, created_after_s=plan.created_after_s), left)
        except CallRefusedError as refused:
            self._list_refused(refused)

    async def _ask(self, run: Followed) -> None:
        try:
            seen = await self._reader.read(partial(self._client.find, run.run_id), may_miss=True)
        except CallRefusedError as refused:
            if failure_of(refused.error) is ReadFailure.UNAUTHORIZED:
                raise
            self._asking.refuse(refused.error)
            fact = f"the service refuses it: {refused.error.problems[0].fact}"
            self._note(Problem("GET /runs/{id}", fact, "runs that ended are looked for in the list instead"))
            return
        if seen is None:
            self._has_missed = True
            await self._confirm_missing(run)
        elif seen.id == run.run_id:  # else the response is about another run, and says nothing about this one
            self._report(self._poller.found(seen, time.monotonic()))

    async def _confirm_missing(self, run: Followed) -> None:
        """The service said that it does not know the run: see what a list of its name says."""
        listed: list[RunSummary] | None = None
        if self._listing.is_open and run.name:
            try:
                page = await self._reader.read(partial(self._client.list_page, name=run.name))
            except CallRefusedError:
                page = None
            # A name may match by substring, and then many; without all of them nothing is confirmed.
            if page is not None and page.next_page is None and len(page.items) >= (page.total or 0):
                listed = [seen for seen in page.items if seen.name == run.name]
        for seen in listed or ():
            self._report(self._poller.saw(seen, time.monotonic()))
        if run.run_id in self._poller.active:
            self._report(self._poller.missed(run, listed, time.monotonic()))

    async def _read_list(self, page_of: PageOf, left: Callable[[], int] | None = None) -> bool:
        """Read pages while that is cheaper than to ask for what is ``left``; False if the list ended too early."""
        left = left or (lambda: self._poller.unseen)
        ids: set[str] = set()
        cursor: str | None = None
        cursors: set[str] = set()
        while True:
            page = await self._reader.read(partial(page_of, cursor))
            assert page is not None  # noqa: S101 - a list is never missed
            for seen in page.items:
                ids.add(seen.id)
                self._report(self._poller.saw(seen, time.monotonic()))
            cursor = page.next_page
            total = page.total if page.total is not None else len(ids)
            if cursor is None or cursor in cursors:
                return len(ids) >= total
            cursors.add(cursor)
            # Looking up what is left costs a call per run; the rest of the list, a call per page.
            if left() <= ceil((total - len(ids)) / MAX_PAGE_SIZE) and self._asking.is_open:
                return True

    def _page_of(
        self, statuses: tuple[str, ...], *, created_after_s: float | None = None, size: int = MAX_PAGE_SIZE
    ) -> PageOf:
        """Reads the page at a cursor of the list of this batch's runs with these statuses."""
        prefix = self._poller.name_prefix

        async def page(cursor: str | None) -> RunSummaryPage:
            return await self._client.list_page(
                name=f"{prefix}*" if prefix else None,
                created_after=self._poller.created_after_s if created_after_s is None else created_after_s,
                status=statuses,
                cursor=cursor,
                size=size,
            )

        return page

    def _report(self, change: Change | None) -> None:
        if change is not None:
            self._on_change(change)

    def _note(self, problem: Problem) -> None:
        """Each kind once."""
        if problem.place not in self._noted:
            self._noted.add(problem.place)
            self._on_note(problem)
