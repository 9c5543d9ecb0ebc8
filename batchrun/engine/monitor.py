"""Follow the batch's unfinished runs by listing, so that their end makes room: a few pages, never one call a run."""

import time

import anyio

from batchrun.engine.active_runs import ActiveRuns
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Reporter
from batchrun.errors import ApiError, Problem
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import StatusEvent
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.enums import RunStatus
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Monitor"]

MAX_PAGES = 10
"""Runs that are older than this many pages are asked for one by one, a few each time."""
STRAGGLERS_AT_ONCE = 5
"""How many of them each time, so that a look stays a handful of calls."""
MARGIN_S = 60.0
"""How far before the oldest active run the list is read, in case the clocks disagree."""
FIRST_LOOK_S = 0.5
"""Between looks while nothing has ended yet, and the length of a run is unknown."""
SHORTEST_S = 0.1
LONGEST_S = 10.0
"""Bounds of the time between two looks."""
SHARE_OF_LIFE = 0.02
"""A run's end is noticed within this share of what runs of the batch usually last."""


class Monitor:
    """Watches the active runs; does nothing while they are not bounded."""

    def __init__(
        self,
        *,
        active_runs: ActiveRuns,
        client: RunsClient,
        ledger: FileLedger,
        pacer: Pacer,
        reporter: Reporter,
    ) -> None:
        self._active_runs = active_runs
        self._client = client
        self._ledger = ledger
        self._pacer = pacer
        self._reporter = reporter
        self._began_s: dict[str, float] = {}
        self._usual_s: float | None = None
        self._asked: list[str] = []
        self._is_reported = False

    async def run(self) -> None:
        """Look again and again; runs until cancelled."""
        while True:
            await anyio.sleep(self._interval_s())
            if self._active_runs.is_bounded and self._active_runs.active and not self._pacer.is_paused:
                await self._look()

    def _interval_s(self) -> float:
        if self._usual_s is None:
            return FIRST_LOOK_S
        return min(max(self._usual_s * SHARE_OF_LIFE, SHORTEST_S), LONGEST_S)

    async def _look(self) -> None:
        now_s = time.monotonic()
        for run_id in self._active_runs.active:
            self._began_s.setdefault(run_id, now_s)
        try:
            unseen = await self._look_through_pages()
            await self._ask_for(unseen)
            self._active_runs.looked()
        except ApiError as error:
            self._could_not_look(error)
            await anyio.sleep(error.retry_after_s or LONGEST_S / 2)

    def _could_not_look(self, error: ApiError) -> None:
        """Nobody waits for a look that does not come; what was active counts as active."""
        if not self._is_reported:
            self._is_reported = True
            fix = "runs that ended are noticed when it can be listed again"
            self._reporter.note(Problem("max_active", f"the runs cannot be listed: {error}", fix))
        self._active_runs.looked()

    async def _look_through_pages(self) -> set[str]:
        """The active runs that the newest pages do not show."""
        active = self._active_runs.active
        unseen, cursor = set(active), None
        for _ in range(MAX_PAGES):
            await self._pacer.wait_for_read()
            page = await self._client.list_page(created_after=self._oldest_s(), cursor=cursor)
            for listed in page.items:
                unseen.discard(listed.id)
                self._saw(listed)
            cursor = page.next_page
            if cursor is None or not unseen:
                break
        return unseen & set(active)

    def _oldest_s(self) -> float:
        """Server time before which no active run of this session was created."""
        oldest = min(self._began_s[run_id] for run_id in self._active_runs.active if run_id in self._began_s)
        if self._active_runs.has_earlier:
            return 0.0
        return self._ledger.clock.now() + (self._client.clock.offset_s or 0.0) - (time.monotonic() - oldest) - MARGIN_S

    async def _ask_for(self, unseen: set[str]) -> None:
        """Ask for runs that are too old for the pages, in turn; those that the list does not show yet are among them."""
        self._asked = [run_id for run_id in self._asked if run_id in unseen] or sorted(unseen)
        for run_id in self._asked[:STRAGGLERS_AT_ONCE]:
            await self._pacer.wait_for_read()
            view = await self._client.get(run_id)
            self._saw(RunSummary(id=run_id, status=view.status))
        del self._asked[:STRAGGLERS_AT_ONCE]

    def _saw(self, run: RunSummary) -> None:
        key = self._active_runs.active.get(run.id)
        if key is None or run.status is None or not RunStatus(run.status).is_final:
            return
        self._learn(run)
        self._ledger.record(
            StatusEvent(
                at=self._ledger.clock.stamp(),
                key=key,
                run_id=run.id,
                status=run.status,
                create_time=run.create_time,
                start_time=run.start_time,
                complete_time=run.complete_time,
            )
        )
        self._active_runs.ended(run.id)

    def _learn(self, run: RunSummary) -> None:
        """How long runs last: by the service's own times, else by when we saw them."""
        began_s = self._began_s.pop(run.id, time.monotonic())
        created_s, completed_s = epoch_seconds(run.create_time or ""), epoch_seconds(run.complete_time or "")
        lasted_s = completed_s - created_s if created_s and completed_s else time.monotonic() - began_s
        self._usual_s = lasted_s if self._usual_s is None else 0.9 * self._usual_s + 0.1 * lasted_s
