"""Follow the batch's unfinished runs by listing, so that their end makes room: a few pages, never one call a run."""

import time

import anyio

from batchrun.engine.session import Session
from batchrun.errors import ApiError, Problem
from batchrun.ledger.events import StatusEvent, epoch_seconds
from batchrun.wherobots.enums import RunStatus
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Monitor"]

MAX_PAGES = 10
"""Runs that are older than this many pages are asked for one by one, a few each time."""
STRAGGLERS_AT_ONCE = 5
MARGIN_S = 60.0
FIRST_LOOK_S = 0.5
SHORTEST_S = 0.1
LONGEST_S = 10.0
SHARE_OF_LIFE = 0.02
"""A run's end is noticed within this share of what runs of the batch usually last."""


class Monitor:
    """Watches what is active; when nothing is bounded by it, it does nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began_s: dict[str, float] = {}
        self._usual_s: float | None = None
        self._asked: list[str] = []
        self._told = False

    async def run(self) -> None:
        """Look again and again; runs until cancelled."""
        while True:
            await anyio.sleep(self._interval_s())
            if self._session.window.is_bounded and self._session.window.active and not self._session.pacing.is_paused:
                await self._look()

    def _interval_s(self) -> float:
        if self._usual_s is None:
            return FIRST_LOOK_S
        return min(max(self._usual_s * SHARE_OF_LIFE, SHORTEST_S), LONGEST_S)

    async def _look(self) -> None:
        now_s = time.monotonic()
        for run_id in self._session.window.active:
            self._began_s.setdefault(run_id, now_s)
        try:
            unseen = await self._look_through_pages()
            await self._ask_for(unseen)
            self._session.window.looked()
        except ApiError as error:
            self._could_not_look(error)
            await anyio.sleep(error.retry_after_s or LONGEST_S / 2)

    def _could_not_look(self, error: ApiError) -> None:
        """Nobody waits for a look that does not come; what was active counts as active."""
        if not self._told:
            self._told = True
            fix = "runs that ended are noticed when it can be listed again"
            self._session.note(Problem("max_active", f"the runs cannot be listed: {error}", fix))
        self._session.window.looked()

    async def _look_through_pages(self) -> set[str]:
        """The active runs that the newest pages do not show."""
        client, active = self._session.client, self._session.window.active
        unseen, cursor = set(active), None
        for _ in range(MAX_PAGES):
            page = await client.list_page(created_after=self._oldest_s(), cursor=cursor)
            for head in page.items:
                unseen.discard(head.id)
                self._saw(head)
            cursor = page.next_page
            if cursor is None or not unseen:
                break
        return unseen & set(active)

    def _oldest_s(self) -> float:
        """Server time before which no active run of this session was created."""
        oldest = min(self._began_s[run_id] for run_id in self._session.window.active if run_id in self._began_s)
        if self._session.window.has_earlier:
            return 0.0
        return self._session.server_now() - (time.monotonic() - oldest) - MARGIN_S

    async def _ask_for(self, unseen: set[str]) -> None:
        """Ask for runs that are too old for the pages, in turn; those that the list does not show yet are among them."""
        self._asked = [run_id for run_id in self._asked if run_id in unseen] or sorted(unseen)
        for run_id in self._asked[:STRAGGLERS_AT_ONCE]:
            view = await self._session.client.get(run_id)
            self._saw(RunSummary(id=run_id, status=view.status))
        del self._asked[:STRAGGLERS_AT_ONCE]

    def _saw(self, head: RunSummary) -> None:
        key = self._session.window.active.get(head.id)
        if key is None or head.status is None or not RunStatus(head.status).is_final:
            return
        self._learn(head)
        self._session.ledger.record(
            StatusEvent(
                at=self._session.ledger.clock.stamp(),
                key=key,
                run_id=head.id,
                status=head.status,
                create_time=head.create_time,
                start_time=head.start_time,
                complete_time=head.complete_time,
            )
        )
        self._session.window.ended(head.id)

    def _learn(self, head: RunSummary) -> None:
        """How long runs last: by the service's own times, else by when we saw them."""
        began_s = self._began_s.pop(head.id, time.monotonic())
        created_s, completed_s = epoch_seconds(head.create_time or ""), epoch_seconds(head.complete_time or "")
        lasted_s = completed_s - created_s if created_s and completed_s else time.monotonic() - began_s
        self._usual_s = lasted_s if self._usual_s is None else 0.9 * self._usual_s + 0.1 * lasted_s
