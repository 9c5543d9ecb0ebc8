"""One look at the service: list what is active, look up what the list lacks, report what changed."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import ceil

from batchrun.errors import ApiError, Problem
from batchrun.tracking.changes import Change, Followed
from batchrun.tracking.look_ups import LookUps
from batchrun.tracking.poller import ENDED, Poller
from batchrun.tracking.reading import CallRefusedError, Reader, ReadFailure, failure_of
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["Follower"]

SHORT_LIST_LOOK_UPS = 20
"""Runs looked up after a list that was cut short: most of those that it lacks are still active."""
TRY_AGAIN_EVERY = 20
"""Looks without a call that the service refuses, before it is tried again."""


@dataclass(slots=True)
class _Call:
    """Whether a kind of call may be made. The service refuses some, for a moment or always."""

    looks_without: int = 0

    @property
    def is_open(self) -> bool:
        return self.looks_without == 0

    def refuse(self) -> None:
        self.looks_without = 1

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
        self._listing, self._asking = _Call(), _Call()

    async def look(self) -> None:
        """One look at everything that is followed.

        Raises:
            ApiError: the service cannot be read now; what the look found out before is reported all the same.
            CallRefusedError: no call that could follow a run works any more.

        """
        if not self._poller.active:
            return
        self._poller.begin()
        self._listing.begin_look()
        self._asking.begin_look()
        is_whole = await self._list_active() if self._listing.is_open else True
        most = None if is_whole else SHORT_LIST_LOOK_UPS
        await self._look_up(self._poller.look_ups(time.monotonic(), may_ask=self._asking.is_open, most=most))
        if not (self._listing.is_open or self._asking.is_open):
            raise CallRefusedError(ApiError("GET /runs", "neither the list nor single runs may be read with this key"))

    async def _list_active(self) -> bool:
        """List what is active; False if the list is shorter than it says."""
        try:
            return await self._read_list(self._active_page, lambda: self._poller.unseen)
        except CallRefusedError as refused:
            if self._poller.odd_statuses and self._poller.lists_odd:
                self._poller.lists_odd = False  # the list may only know the statuses that are published
                return await self._list_active()
            self._list_refused(refused)
            return True

    def _list_refused(self, refused: CallRefusedError) -> None:
        if failure_of(refused.error) is ReadFailure.UNAUTHORIZED:
            raise refused
        self._listing.refuse()
        fact = f"the service refuses it: {refused.error.problems[0].fact}"
        self._note(Problem("GET /runs", fact, "runs are asked for one by one instead, which takes a call a run"))

    async def _look_up(self, plan: LookUps) -> None:
        if plan.listed and self._listing.is_open:
            await self._list_ended(plan)
        for run in (*self._poller.still_unseen(plan.listed), *plan.by_id):
            if self._asking.is_open:
                await self._ask(run)

    async def _list_ended(self, plan: LookUps) -> None:
        page = partial(self._ended_page, plan.created_after_s)
        try:
            await self._read_list(page, lambda: len(self._poller.still_unseen(plan.listed)))
        except CallRefusedError as refused:
            self._list_refused(refused)

    async def _ask(self, run: Followed) -> None:
        try:
            seen = await self._reader.read(partial(self._client.find, run.run_id), may_miss=True)
        except CallRefusedError as refused:
            self._asking.refuse()
            fact = f"the service refuses it: {refused.error.problems[0].fact}"
            self._note(Problem("GET /runs/{id}", fact, "runs that ended are looked for in the list instead"))
            return
        if seen is None:
            await self._confirm_missing(run)
        elif seen.id == run.run_id:
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

    async def _read_list(
        self, page_of: Callable[[str | None], Awaitable[RunSummaryPage]], left: Callable[[], int]
    ) -> bool:
        """Read pages while that is cheaper than to ask for what is ``left``; False if the list ended too early."""
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
            if left() <= ceil((total - len(ids)) / MAX_PAGE_SIZE) and self._asking.is_open:
                return True

    async def _active_page(self, cursor: str | None) -> RunSummaryPage:
        return await self._page(self._poller.listed_statuses, self._poller.created_after_s, cursor)

    async def _ended_page(self, created_after_s: float | None, cursor: str | None) -> RunSummaryPage:
        return await self._page(ENDED, created_after_s, cursor)

    async def _page(
        self, statuses: tuple[str, ...], created_after_s: float | None, cursor: str | None
    ) -> RunSummaryPage:
        prefix = self._poller.name_prefix
        return await self._client.list_page(
            name=f"{prefix}*" if prefix else None, created_after=created_after_s, status=statuses, cursor=cursor
        )

    def _report(self, change: Change | None) -> None:
        if change is not None:
            self._on_change(change)

    def _note(self, problem: Problem) -> None:
        """Each kind once."""
        if problem.place not in self._noted:
            self._noted.add(problem.place)
            self._on_note(problem)
