"""Did an attempt of unknown outcome create its run? Found out by listing, before anything is sent again.

A run that is found is submitted. A run that is not found is concluded to be absent only when the server can no longer be
working on the attempt and its list has caught up: ``settle_after`` after the attempt ended, and in two scans in a row.
"""

import time
from collections import defaultdict
from collections.abc import Iterable

from batchrun.engine.backlog import Backlog, Work
from batchrun.engine.outcomes import Outcomes
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.settle_queue import Case, SettleQueue
from batchrun.engine.stopping import StopSwitch, refusal_stop
from batchrun.engine.verdicts import NextStep, judge_read
from batchrun.errors import ApiError
from batchrun.ledger.events import epoch_seconds
from batchrun.wherobots.answers import Refused
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.identity import is_same_payload
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["Settler"]

MARGIN_S = 5.0
"""The server's clock is known to about a second; runs created this much earlier than the attempt still count."""
UNKNOWN_CLOCK_MARGIN_S = 3600.0
"""The same if no response ever carried the server's time."""
MAX_BAD_SCANS = 6
"""After this many unreadable scans in a row, with nothing else left to do, the rest stays unknown."""


class Settler:
    """The one task that scans for unknown runs while other runs are submitted."""

    def __init__(
        self,
        *,
        queue: SettleQueue,
        client: RunsClient,
        pacer: Pacer,
        backlog: Backlog,
        outcomes: Outcomes,
        switch: StopSwitch,
    ) -> None:
        self._queue = queue
        self._client = client
        self._pacer = pacer
        self._backlog = backlog
        self._outcomes = outcomes
        self._switch = switch
        self._bad_scans = 0

    async def run(self) -> None:
        """Scan whenever a run is due; runs until cancelled."""
        while True:
            await self._queue.wait_due()
            await self._scan()

    async def _scan(self) -> None:
        began_s = time.monotonic()
        due = self._queue.due(began_s)
        try:
            found = await self._look_for(due)
        except ApiError as error:
            self._could_not_look(due, error)
            return
        self._bad_scans = 0
        for name, listed in found.items():
            self._adopt(self._queue.remove(name).work, listed)
        for case in due:
            if case.work.run.name in self._queue and self._queue.missed(case, began_s):
                self._absent(case.work)

    async def _look_for(self, due: list[Case]) -> dict[str, list[RunSummary]]:
        """The runs found, by name; looks by name or page by page, whichever takes fewer calls."""
        after = min(self._created_after(case.work) for case in due)
        page = await self._page(after)
        if page.next_page is None or page.total <= len(due) * MAX_PAGE_SIZE:
            return self._matching(await self._all_from(page, after))
        listed = []
        for case in due:
            name = case.work.run.name
            listed += await self._all_from(await self._page(after, name=name), after, name=name)
        return self._matching(listed)

    async def _all_from(self, page: RunSummaryPage, after: float, *, name: str | None = None) -> list[RunSummary]:
        listed = list(page.items)
        while page.next_page is not None:
            page = await self._page(after, name=name, cursor=page.next_page)
            listed += page.items
        return listed

    async def _page(self, after: float, *, name: str | None = None, cursor: str | None = None) -> RunSummaryPage:
        await self._pacer.wait_for_read()
        return await self._client.list_page(name=name, created_after=after, cursor=cursor)

    def _matching(self, listed: Iterable[RunSummary]) -> dict[str, list[RunSummary]]:
        """Our runs among those listed, each once, by name. The service may match names by substring: we compare exactly."""
        found: defaultdict[str, dict[str, RunSummary]] = defaultdict(dict)
        for run in listed:
            if run.name is not None and run.name in self._queue and self._is_ours(run, self._queue[run.name].work):
                found[run.name][run.id] = run
        return {name: list(by_id.values()) for name, by_id in found.items()}

    def _is_ours(self, listed: RunSummary, work: Work) -> bool:
        if not listed.id:
            return False
        created_s = epoch_seconds(listed.create_time or "")
        if created_s and created_s < self._created_after(work):
            return False
        return listed.payload is None or is_same_payload(work.run.body, listed.payload)

    def _created_after(self, work: Work) -> float:
        margin = MARGIN_S if self._client.clock.offset_s is not None else UNKNOWN_CLOCK_MARGIN_S
        return (work.first_unknown_at_s or 0.0) - margin

    def _adopt(self, work: Work, listed: list[RunSummary]) -> None:
        oldest, *others = sorted(listed, key=lambda run: epoch_seconds(run.create_time or ""))
        self._outcomes.settled(work, oldest.id, oldest.status, [run.id for run in others])

    def _absent(self, work: Work) -> None:
        if work.exists_without_id:
            self._outcomes.stays_unknown(work, "the service created it, but its id could not be read nor found")
        else:
            self._outcomes.absent(work)

    def _could_not_look(self, due: list[Case], error: ApiError) -> None:
        if judge_read(error).next_step is NextStep.STOP:
            self._switch.pull(refusal_stop(Refused(error.trouble), self._client.settings.base_url))
        self._bad_scans += 1
        if self._bad_scans >= MAX_BAD_SCANS and self._backlog.is_drained_but(len(self._queue)):
            for case in self._queue.clear():
                self._outcomes.stays_unknown(case.work, f"the runs cannot be listed: {error}")
        self._queue.postpone(due, max(error.retry_after_s or 0.0, full_jitter_s(self._bad_scans)))
