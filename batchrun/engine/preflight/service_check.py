"""Check, before the first POST, that the ledger belongs to this service, organization and history.

As a rule it costs three calls: one list, to learn that the path answers, that the key is accepted and what time it is; the
organization; and one list of the planned names, to notice runs that the ledger should know and does not.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from batchrun.engine.evidence import MARGIN_S
from batchrun.engine.generations import generations_of
from batchrun.engine.listing.organization import check_organization, organization_of
from batchrun.engine.listing.scan import Scan, Scanner
from batchrun.engine.preflight.adoption import adoptions
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.preflight.strangers import Look, Strangers, strangers, unattempted_names
from batchrun.engine.progress import Reporter
from batchrun.engine.stopping import Stop, StopReason, StopSwitch, unusable_stop
from batchrun.errors import ApiError, Problem, RunsExistError
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import ForeignEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, fold
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.clock import creation_offset_s, steady_now
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["ServiceCheck"]

REACH_ATTEMPTS = 3
REACH_PAUSE_S = 1.0
"""A service that is restarting, or a laptop whose network is waking up, is given this many chances, this far apart."""
SCANS = 5
"""Further readings of an incomplete list before a decision about what it shows is refused."""
MOST_PAGES = 20
"""Pages of planned names that are read, at most: beyond two thousand runs the check says that it was not made."""
SHOWN = 3
"""Names that an error shows."""
INCOMPLETE = "the list of their names is too long, or incomplete"


@dataclass(slots=True, kw_only=True)
class ServiceCheck:
    """The check of one session."""

    plan: Plan | None
    """None if nothing is to be sent: then it does not matter which of its runs exist."""
    ledger: FileLedger
    client: RunsClient
    wait_for_read: Callable[[], Awaitable[None]]
    """Awaited before each call."""
    reporter: Reporter
    existing: Existing
    earlier: Mapping[str, PlannedRun] = field(default_factory=dict)
    """Unknown runs that left the plan, by key, as they were planned."""
    is_changed: bool = False
    """The plan is another one than the ledger's: some of its runs may be new to this ledger."""
    is_moved: bool = False
    """The batch moves to this service: none of its earlier runs is known here."""
    organization: str | None = None
    """The organization that the key belongs to, once it was asked for and if the service reveals it."""
    is_same_organization: bool = False
    """It is proven that earlier sessions sent their runs to this organization: by its id, or by a run that the key can read."""

    async def run(self) -> Stop | Strangers:
        """Why the batch cannot start, or the runs that the ledger ought to know and does not. Writes nothing.

        Raises:
            LedgerMismatchError: the key belongs to another organization than the batch.
            RunsExistError: there are such runs, and nobody decided about them.

        """
        if (stop := await self._reach() or await self._check_organization()) is not None:
            return stop
        # Last, because it may take seconds for a large batch.
        found = await self._unknown_to_ledger(self.plan) if self.plan is not None else []
        if isinstance(found, list) and found and self.existing is Existing.REFUSE:
            raise self._runs_exist(found)
        return found

    async def apply(self, found: Stop | Strangers | None, switch: StopSwitch) -> None:
        """Once the ledger is begun: keep the organization, and record what a person decided about the runs found.

        ``found`` is what ``run`` returned, None if it was given up. A batch that cannot start pulls the switch.

        Raises:
            LedgerWriteError: the decision could not be recorded.

        """
        self._state.organization = self.organization or self._state.organization
        if isinstance(found, Stop):
            switch.pull(found)
        elif found and self.existing is Existing.FOREIGN:
            event = ForeignEvent(at=self.ledger.clock.stamp(), run_ids=[run.id for run, _ in found])
            await self.ledger.record_durably(event)
            fold(self._state, event)
        elif found and self.existing is Existing.ADOPT and self.plan is not None:
            await self._adopt(self.plan, found)

    @property
    def _state(self) -> BatchState:
        return self.ledger.state

    @property
    def _scanner(self) -> Scanner:
        return Scanner(self.client, self.wait_for_read)

    async def _reach(self) -> Stop | None:
        """List one run, to learn whether the path answers, whether the key is accepted, and what time it is there."""
        base_url = self.client.settings.base_url
        for attempt in range(1, REACH_ATTEMPTS + 1):
            await self.wait_for_read()
            try:
                await self.client.list_page(size=1)
            except ApiError as error:
                stop = unusable_stop(error, base_url, has_responded=self.client.clock.offset_s is not None)
                # Retry only if there was no status: a refusal would be the same the next time.
                if stop is None or error.http_status is not None or attempt == REACH_ATTEMPTS:
                    return stop
                await anyio.sleep(REACH_PAUSE_S)
            else:
                return None
        return None

    async def _check_organization(self) -> Stop | None:
        """The key must belong to the organization that the batch began with: another one's list shows nothing of it."""
        try:
            if self.is_moved:
                self.organization = await organization_of(self._scanner)
                return None
            checked = await check_organization(self._state, self._scanner, str(self.ledger.path))
        except ApiError as error:
            return self._unreachable(f"cannot check whether the API key belongs to the batch's organization: {error}")
        self.organization, self.is_same_organization = checked.organization, checked.is_proven
        return None

    def _unreachable(self, fact: str) -> Stop:
        fix = "check that the service is up, then resume"
        return Stop(StopReason.UNREACHABLE, Problem(self.client.settings.base_url, fact, fix))

    async def _unknown_to_ledger(self, plan: Plan) -> Stop | Strangers:
        """Runs of planned names at the service that the ledger ought to know and does not.

        Who decided about them decided about all of them: then the list has to be complete.
        """
        look, is_decided = self._look(), self.existing is not Existing.REFUSE
        listed, doubt = await self._listed(plan, look, most_pages=None if is_decided else MOST_PAGES)
        for _ in range(SCANS if is_decided and doubt else 0):
            await anyio.sleep(REACH_PAUSE_S)
            listed, doubt = await self._listed(plan, look, most_pages=None)
            if not doubt:
                break
        if doubt and is_decided:
            return self._unreachable(f"it is unclear which runs --{self.existing.flag} applies to: {doubt}")
        found = await anyio.to_thread.run_sync(self._strangers, plan, listed, look) if listed else []
        if doubt and not found:
            self._not_checked(doubt)
        return found

    def _strangers(self, plan: Plan, listed: list[RunSummary], look: Look) -> Strangers:
        lost = self.earlier.values() if self.existing is Existing.ADOPT else None
        return strangers(plan, listed, self._state, look, lost=lost)

    async def _listed(self, plan: Plan, look: Look, *, most_pages: int | None) -> tuple[list[RunSummary], str]:
        """The listed runs with names like the plan's that may matter; and why there may be more."""
        listed, doubt, pages = list[RunSummary](), "", most_pages
        try:
            if look.recent_from_s is not None:
                scan, listed = await self._prefix(plan, pages, created_after=look.recent_from_s)
                doubt = "" if scan.is_complete() else INCOMPLETE
                pages = max(1, pages - len(scan.totals)) if pages is not None else None
            if look.looks_back:
                past, why = await self._past(plan, pages)
                listed, doubt = listed + past, doubt or why
        except ApiError as error:
            return [], f"the runs cannot be listed: {error}"
        return listed, doubt

    async def _past(self, plan: Plan, most_pages: int | None) -> tuple[list[RunSummary], str]:
        """Runs of any age. Where there are too many to list, half of the pages, and single names with the other half."""
        first = await self._scanner.first_page(name=f"{plan.name_prefix}*")
        is_short = first.total is not None and first.total <= (most_pages or 0) * MAX_PAGE_SIZE
        if most_pages is None or most_pages <= 1 or is_short:
            scan, listed = await self._prefix(plan, most_pages, first=first)
            return listed, "" if scan.is_complete() else INCOMPLETE
        half = most_pages // 2
        _, listed = await self._prefix(plan, most_pages - half, first=first)
        names, are_all = await anyio.to_thread.run_sync(unattempted_names, plan, self._state, half)
        are_whole = True
        for name in names:
            runs, is_whole = await self._scanner.named(name, most_pages=1)
            listed += runs
            are_whole &= is_whole
        return listed, "" if are_all and are_whole else INCOMPLETE

    async def _prefix(
        self,
        plan: Plan,
        most_pages: int | None,
        *,
        created_after: float | None = None,
        first: RunSummaryPage | None = None,
    ) -> tuple[Scan, list[RunSummary]]:
        scan, listed = Scan(), list[RunSummary]()
        async for runs in self._scanner.pages(
            scan, name=f"{plan.name_prefix}*", created_after=created_after, first=first, most_pages=most_pages
        ):
            listed += runs
        return scan, listed

    def _look(self) -> Look:
        """Which runs matter.

        A newer copy of the ledger created its runs after the last attempt of this one. That time is too early if the clock of
        the attempt's session was behind, but never earlier than the batch itself.

        Another ledger may have created runs at any time: those are looked for whenever planned runs are new to this ledger.

        For a new ledger that creates its own runs beside the existing ones, only those matter that it could later take for its
        own: the latest. So a large batch is created anew without listing the whole of the earlier one.
        """
        state, recent_from_s = self._state, None
        is_decided_anew = self.existing is Existing.FOREIGN
        if state.attempted_at is not None and not self.is_moved:
            attempted_s = epoch_seconds(state.attempted_at) + state.attempted_offset_s
            recent_from_s = max(attempted_s, state.began_s or 0.0) - state.creation_lag_s - MARGIN_S
        elif is_decided_anew:
            recent_from_s = steady_now() + creation_offset_s(self.client.clock.offset_s) - 2 * MARGIN_S
        is_new = state.attempted_at is None or self.is_changed or self.is_moved or not state.is_plan_checked
        return Look(recent_from_s=recent_from_s, looks_back=is_new and not is_decided_anew, is_moved=self.is_moved)

    def _runs_exist(self, found: Strangers) -> RunsExistError:
        names = [run.name or "" for run, _ in found]
        some = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        count = "1 run of this sweep exists" if len(found) == 1 else f"{len(found):,} runs of this sweep exist"
        if not self._state.runs:
            fact = f"{count} at the service ({some}), but this ledger is new; another ledger may have been lost"
            fix = (
                "adopt them with batchrun recover SWEEP, create them again with --again, "
                "or pass the ledger that contains them with --ledger PATH"
            )
        else:
            what = "it is an older copy of another ledger"
            if self._look().looks_back:
                what += ", or another ledger created them"
            fact = f"{count} at the service but not in this ledger ({some}): {what}"
            fix = (
                "use the newer ledger with --ledger PATH, adopt them with --adopt-existing, "
                "or treat them as another batch's with --not-ours"
            )
        run_ids = {run.id: run.name or "" for run, _ in found}
        return RunsExistError(str(self.ledger.path), fact, fix, run_ids=run_ids)

    async def _adopt(self, plan: Plan, found: Strangers) -> None:
        generations = await anyio.to_thread.run_sync(generations_of, plan, self._state)
        for event in adoptions(found, self._state, generations, self.ledger.clock.stamp):
            self.ledger.record(event)
            fold(self._state, event)
        await self.ledger.flush()

    def _not_checked(self, why: str) -> None:
        place = "preflight"
        fact = f"could not check whether runs with these names already exist: {why}"
        self.reporter.note(Problem(place, fact, "see docs/exactly-once.md for what that means"))
