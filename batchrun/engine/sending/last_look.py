"""The last look of a session at every name that was sent more than once.

An earlier attempt may have committed after the last one. No client can prevent that; what it can do is not to keep quiet
about it.
"""

import time
from collections import defaultdict
from collections.abc import Callable

import anyio

from batchrun.engine.evidence import Fit, Sought, fit
from batchrun.engine.listing.known_ids import KnownIds
from batchrun.engine.listing.scan import Scan, Scanner
from batchrun.engine.sending.outcomes import Outcomes
from batchrun.engine.sending.resent import Resent
from batchrun.engine.tagging import Tagging
from batchrun.errors import ApiError
from batchrun.ledger.clock import epoch_seconds
from batchrun.wherobots.client import MAX_PAGE_SIZE
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage, is_usable_id

__all__ = ["MOST_DUPLICATES", "LastLook"]

MOST_DUPLICATES = 100
"""Further runs of one name whose ids are kept: the list is not ours, and may be endless."""


class LastLook:
    """Looks for further runs of the names in ``outcomes.resent``."""

    def __init__(
        self,
        *,
        scanner: Scanner,
        outcomes: Outcomes,
        known_ids: KnownIds,
        tagging: Tagging,
        created_from_s: Callable[[float], float],
    ) -> None:
        """``created_from_s`` turns the time of a run's first attempt into the earliest creation time that it can have."""
        self._scanner = scanner
        self._outcomes = outcomes
        self._known_ids = known_ids
        self._tagging = tagging
        self._created_from_s = created_from_s

    async def run(self) -> None:
        """Look, as soon as it is conclusive; what could not be looked for is left to the next session."""
        left = self._outcomes.resent
        if not left:
            return
        # One wait for all: the list must be as old for the last of them as absence needs (`SettleQueue.missed`).
        await anyio.sleep(max(0.0, max(resent.not_before_s for resent in left) - time.monotonic()))
        after = self._created_from_s(min(resent.first_sent_at_s for resent in left))
        try:
            page = await self._scanner.first_page(created_after=after)
            if page.total is not None and page.total <= len(left) * MAX_PAGE_SIZE:
                await self._through(left, page, after)
                return
            for resent in left:
                listed, is_whole = await self._scanner.named(resent.name, after)
                self._report_others(resent, listed, is_whole=is_whole)
        except ApiError:
            return  # the ledger still says that these are to be checked, and the next session does

    async def _through(self, left: list[Resent], first: RunSummaryPage, after: float) -> None:
        scan, listed = Scan(), defaultdict[str, list[RunSummary]](list)
        names = {resent.name for resent in left}
        async for runs in self._scanner.pages(scan, created_after=after, first=first):
            for run in runs:
                if run.name in names:
                    listed[run.name].append(run)
        for resent in left:
            self._report_others(resent, listed[resent.name], is_whole=scan.is_complete())

    def _report_others(self, resent: Resent, listed: list[RunSummary], *, is_whole: bool) -> None:
        sought = Sought(
            name=resent.name,
            created_from_s=self._created_from_s(resent.first_sent_at_s),
            body=resent.body,
            tag=None if resent.generation is None else self._tagging.tag_of(resent.key, resent.generation),
        )
        others = [run for run in listed if self._may_be_ours(run, sought)]
        others.sort(key=lambda run: epoch_seconds(run.create_time or ""))
        # From a list that was cut short, what it shows still counts; that it shows nothing else does not.
        self._outcomes.checked(resent, [run.id for run in others[:MOST_DUPLICATES]], is_whole=is_whole)

    def _may_be_ours(self, run: RunSummary, sought: Sought) -> bool:
        """Also one whose payload differs: the service may have rewritten it. The one that is ours for sure is taken."""
        is_candidate = run.name == sought.name and is_usable_id(run.id)
        return is_candidate and fit(run, sought, is_taken=self._known_ids.is_taken) in {Fit.OURS, Fit.ODD}
