"""Witnesses: runs of this batch that exist. Lists that do not show them do not show those that are looked for either.

A control (`batchrun.engine.sending.controls`) shows that a list is recent. A witness, created at any time, shows that the lists
which this API key reads contain this batch's runs at all, under the names that they were sent with. A service may show only what
the key's own user created, or one region, or write names or creation times in another way.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping

import anyio.to_thread

from batchrun.engine.listing.scan import Scanner
from batchrun.errors import ApiError
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.state import BatchState
from batchrun.ledger.statuses import GONE
from batchrun.sweep.plan import Plan
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Witnesses", "earlier_witnesses"]

MOST = 3
"""Runs of each region that are kept: some may have been deleted since."""
MOST_PAGES = 20
"""Pages of one name that are read: services may match names by substring."""

Witness = tuple[str, str]
"""A run's id, and the name that it was sent with."""


class Witnesses:
    """The runs of earlier sessions and of this one that can serve as witnesses, by region."""

    def __init__(self) -> None:
        self._latest: defaultdict[str, list[Witness]] = defaultdict(list)
        self._earlier: dict[str, list[Witness]] | None = None
        self._read_earlier: Callable[[], dict[str, list[Witness]]] = dict
        self._listed: set[Witness] = set()

    def add(self, run_id: str, name: str, region: str) -> None:
        """Take a run that the service just confirmed."""
        if len(of_region := self._latest[region]) < MOST:
            of_region.append((run_id, name))

    def find_earlier(self, read: Callable[[], dict[str, list[Witness]]]) -> None:
        """Take how to find those that earlier sessions created: only where an absence is to be concluded are they needed."""
        self._read_earlier = read

    async def are_listed(self, scanner: Scanner, region: str | None, *, is_earlier: bool) -> bool:
        """Whether a list of its name shows one that exists, and when it was created; True if there is none to try with.

        It is of the same region as the run that is looked for, if that is known, and if possible of an earlier session if
        that run is.

        Raises:
            ApiError: this cannot be determined now.

        """
        for run_id, name in await self._of(region, is_earlier=is_earlier):
            if (run_id, name) in self._listed:
                return True
            listed, is_whole = await scanner.named(name, 0.0, most_pages=MOST_PAGES)
            shown = next((run for run in listed if (run.id, run.name) == (run_id, name)), None)
            if shown is not None:
                if await self._is_misdated(shown, scanner):
                    return False  # the next look begins earlier
                self._listed.add((run_id, name))
                return True
            # A deleted witness, or one that may be on a page that was not read, proves nothing: the next one is tried.
            if is_whole and await scanner.run(run_id) is not None:
                return False
        return True

    @staticmethod
    async def _is_misdated(shown: RunSummary, scanner: Scanner) -> bool:
        """Whether a list gives an earlier creation time than the run itself does, and by more than was known."""
        try:
            itself = await scanner.run(shown.id)
        except ApiError:  # not every service shows single runs to every key
            return False
        listed_s = epoch_seconds(shown.create_time or "")
        created_s = epoch_seconds(itself.create_time or "") if itself is not None else 0.0
        return bool(listed_s and created_s) and scanner.clock.listed(listed_s, created_s)

    async def _of(self, region: str | None, *, is_earlier: bool) -> list[Witness]:
        latest = _of_region(self._latest, region)
        if latest and not is_earlier:
            return latest
        if self._earlier is None:  # in a thread: a plan of a million runs takes seconds to go through
            self._earlier = await anyio.to_thread.run_sync(self._read_earlier)
        return _of_region(self._earlier, region) or latest


def _of_region(known: Mapping[str, list[Witness]], region: str | None) -> list[Witness]:
    return [witness for of_region, runs in known.items() if region in {None, of_region} for witness in runs]


def earlier_witnesses(plan: Plan | None, state: BatchState) -> dict[str, list[Witness]]:
    """A few created runs of each region, the last of the plan; none without a plan."""
    found: defaultdict[str, deque[Witness]] = defaultdict(lambda: deque(maxlen=MOST))
    for planned in plan if plan is not None else ():
        known = state.runs.get(planned.key)
        # A rerun was sent under a name of its own, which the plan does not have.
        if known is not None and known.run_id is not None and known.status != GONE and known.generation == 1:
            found[planned.region].append((known.run_id, planned.name))
    return {region: list(runs) for region, runs in found.items()}
