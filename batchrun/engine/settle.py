"""Did an attempt of unknown outcome create its run? Found out by listing, before anything is sent again.

A run that is found is submitted. A run that is not found is believed to be missing only when the server can no longer be
working on the attempt and its list has caught up: ``settle_after`` after the attempt ended, and in two scans in a row.
"""

import time
from collections import defaultdict
from collections.abc import Iterable

import anyio

from batchrun.engine.backlog import Work
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.session import Session
from batchrun.engine.stopping import StopReason
from batchrun.errors import ApiError, Problem
from batchrun.ledger.events import epoch_seconds
from batchrun.ledger.fold import Outcome
from batchrun.wherobots.answers import ServiceError
from batchrun.wherobots.identity import is_same_payload
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["Settler"]

MARGIN_S = 5.0
"""The server's clock is known to about a second; runs created this much earlier than the attempt still count."""
UNKNOWN_CLOCK_MARGIN_S = 3600.0
"""The same where no answer ever named the server's time."""
FIRST_LOOK_S = 1.0
"""An early scan finds most runs; finding none it proves nothing."""
SECOND_SCAN_S = 5.0
"""Between the two scans that are believed, at most."""
PAGE = 100
MAX_BAD_SCANS = 6
"""So many scans in a row that could not be read, with nothing else left to do: the rest stays unknown."""


class _Case:
    """One unknown run, and how often it was looked for in vain after its time."""

    __slots__ = ("due_s", "misses", "work")

    def __init__(self, work: Work, due_s: float) -> None:
        self.work = work
        self.due_s = due_s
        self.misses = 0


class Settler:
    """The side queue of unknown runs, and the one task that scans for them while others go on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cases: dict[str, _Case] = {}
        self._arrived = anyio.Event()
        self._bad_scans = 0

    @property
    def waiting(self) -> int:
        return len(self._cases)

    def put(self, work: Work) -> None:
        """Take a run whose latest attempt just ended with an unknown outcome."""
        work.ended_s = time.monotonic()
        self._cases[work.run.name] = _Case(work, work.ended_s + min(FIRST_LOOK_S, self._settle_after_s / 4))
        self._arrived.set()

    async def run(self) -> None:
        """Scan whenever a run is due; runs until cancelled."""
        while True:
            await self._wait_due()
            await self._scan()

    @property
    def _settle_after_s(self) -> float:
        return self._session.settings.settle_after_s

    async def _wait_due(self) -> None:
        while True:
            self._arrived = anyio.Event()
            due_s = min((case.due_s for case in self._cases.values()), default=None)
            left = None if due_s is None else due_s - time.monotonic()
            if left is not None and left <= 0:
                return
            with anyio.move_on_after(left):
                await self._arrived.wait()

    async def _scan(self) -> None:
        began_s = time.monotonic()
        due = [case for case in self._cases.values() if case.due_s <= began_s]
        try:
            found = await self._look_for(due)
        except ApiError as error:
            self._could_not_look(due, error)
            return
        self._bad_scans = 0
        for name, heads in found.items():
            self._adopt(self._cases.pop(name), heads)
        for case in due:
            if case.work.run.name in self._cases:
                self._missed(case, began_s)

    async def _look_for(self, due: list[_Case]) -> dict[str, list[RunSummary]]:
        """The runs found, by name; looks by name or page by page, whichever takes fewer calls."""
        after = min(self._created_after(case.work) for case in due)
        page = await self._page(after)
        if page.next_page is None or page.total <= len(due) * PAGE:
            return self._matching(await self._all_from(page, after), self._cases)
        names = [case.work.run.name for case in due]
        heads = [head for name in names for head in await self._named(name, after)]
        return self._matching(heads, names)

    async def _named(self, name: str, after: float) -> list[RunSummary]:
        return await self._all_from(await self._page(after, name=name), after, name=name)

    async def _all_from(self, page: RunSummaryPage, after: float, *, name: str | None = None) -> list[RunSummary]:
        heads = list(page.items)
        while page.next_page is not None:
            page = await self._page(after, name=name, cursor=page.next_page)
            heads += page.items
        return heads

    async def _page(self, after: float, *, name: str | None = None, cursor: str | None = None) -> RunSummaryPage:
        await self._session.pacing.wait_for_read()
        return await self._session.client.list_page(name=name, created_after=after, cursor=cursor, size=PAGE)

    def _matching(self, heads: Iterable[RunSummary], names: Iterable[str]) -> dict[str, list[RunSummary]]:
        wanted = set(names)
        found: defaultdict[str, dict[str, RunSummary]] = defaultdict(dict)
        for head in heads:
            if head.name in wanted and self._is_ours(head, self._cases[head.name].work):
                found[head.name][head.id] = head
        return {name: list(by_id.values()) for name, by_id in found.items()}

    def _is_ours(self, head: RunSummary, work: Work) -> bool:
        if not head.id:
            return False
        created_s = epoch_seconds(head.create_time or "")
        if created_s and created_s < self._created_after(work):
            return False
        return head.payload is None or is_same_payload(work.run.body, head.payload)

    def _created_after(self, work: Work) -> float:
        margin = MARGIN_S if self._session.client.clock.offset_s is not None else UNKNOWN_CLOCK_MARGIN_S
        return (work.since_s or 0.0) - margin

    def _adopt(self, case: _Case, heads: list[RunSummary]) -> None:
        work = case.work
        oldest, *others = sorted(heads, key=lambda head: epoch_seconds(head.create_time or ""))
        duplicates = [head.id for head in others]
        self._session.tally.settled += 1
        self._session.submitted(work, oldest.id, oldest.status, duplicates)
        if duplicates:
            fact = f"the service holds {len(heads)} runs of this name; {oldest.id} is taken as ours"
            self._session.note(
                Problem(work.run.name, fact, f"look at {', '.join(duplicates)}, and cancel what is too many")
            )

    def _missed(self, case: _Case, began_s: float) -> None:
        deadline_s = case.work.ended_s + self._settle_after_s
        if began_s < deadline_s:
            case.due_s = deadline_s
            return
        case.misses += 1
        if case.misses < 2:  # noqa: PLR2004 - two scans in a row
            case.due_s = time.monotonic() + min(SECOND_SCAN_S, self._settle_after_s / 3)
            return
        del self._cases[case.work.run.name]
        self._absent(case.work)

    def _absent(self, work: Work) -> None:
        """Two scans without it: no run exists, unless the service said that it made one."""
        session = self._session
        if work.created:
            session.backlog.retire()
            session.note(_stays_unknown(work, "the service created it, but its id could not be read nor found"))
        elif work.counted >= session.settings.max_attempts:
            error = ServiceError(message=f"no run after {work.counted} attempts whose answers were lost")
            session.failed(work, Outcome.UNKNOWN, error=error)
        else:
            session.tally.move(Outcome.UNKNOWN, Outcome.PENDING)
            session.backlog.put(work, due_s=time.monotonic() + full_jitter_s(max(work.counted, 1)))

    def _could_not_look(self, due: list[_Case], error: ApiError) -> None:
        session = self._session
        if error.http_status is not None and (error.http_status in {401, 403} or error.http_status // 100 == 3):  # noqa: PLR2004
            session.switch.pull(StopReason.UNAUTHORIZED, error.problems[0])
        self._bad_scans += 1
        if self._bad_scans >= MAX_BAD_SCANS and session.backlog.is_drained_but(self.waiting):
            self._give_up(error)
        wait_s = max(error.retry_after_s or 0.0, full_jitter_s(self._bad_scans))
        for case in due:
            case.due_s = time.monotonic() + wait_s

    def _give_up(self, error: ApiError) -> None:
        for case in list(self._cases.values()):
            self._session.backlog.retire()
            self._session.note(_stays_unknown(case.work, f"the runs cannot be listed: {error}"))
        self._cases.clear()


def _stays_unknown(work: Work, fact: str) -> Problem:
    return Problem(work.run.name, f"stays unknown; {fact}", "resume later, or look for it by its name")
