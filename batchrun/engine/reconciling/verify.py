"""Compare the service with the ledger. Reads both and changes neither.

It takes no lock, so that it works while the batch is being submitted: what the ledger does not know is looked up in it once
more at the end.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.evidence import MARGIN_S, name_key, name_keys
from batchrun.engine.listing.held import HeldRuns
from batchrun.engine.listing.in_parallel import in_parallel
from batchrun.engine.listing.known_runs import KnownRuns, read_known_runs
from batchrun.engine.listing.name_lists import (
    MOST_PAGES_A_NAME,
    READS_PER_S,
    ReadObserver,
    paced_scanner,
    read_names,
)
from batchrun.engine.listing.organization import check_organization
from batchrun.engine.listing.scan import Scan, Scanner
from batchrun.engine.reconciling.mismatches import Mismatch, Seen, mismatches
from batchrun.engine.verdicts import is_call_refused
from batchrun.errors import ApiError, Problem
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Verification", "verify"]

MOST_STRANGERS = 10_000
"""Runs unknown to the ledger that are kept, with their payloads: beyond that, it is another sweep's list."""
ONE_BY_ONE = 1_000
"""Names that are listed one by one if one long list proves incomplete: at 20 calls a second, within a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of comparing a ledger with the service."""

    checked: int
    """Created runs in the ledger that were compared with the service."""
    mismatches: tuple[Mismatch, ...]
    doubts: tuple[Problem, ...]
    """What could not be checked, and why."""
    is_since_began: bool = True
    """Only runs that were created since the batch began were listed; of a ledger that took runs over, runs of any age are."""

    @property
    def is_clean(self) -> bool:
        """Whether everything was checked and ledger and service agree."""
        return not self.mismatches and not self.doubts

    @property
    def to_cancel(self) -> tuple[str, ...]:
        """The ids of all runs that were created in addition to those in the ledger."""
        return tuple(run_id for one in self.mismatches for run_id in one.to_cancel)


async def verify(
    ledger: str | Path,
    client: RunsClient,
    *,
    plan: Plan | None = None,
    rate_per_s: float | None = None,
    observe: ReadObserver = ignored,
) -> Verification:
    """Compare a ledger with the service.

    ``plan`` is the batch's own plan, with or without its environment; without a plan, payloads are not compared, and names
    that were never sent are not looked for. ``rate_per_s`` is the maximum number of calls per second; it defaults to the
    batch's rate: configured, learned, or 20.

    Raises:
        LedgerError: the ledger cannot be read.
        LedgerMismatchError: the API key belongs to a different organization than the batch.
        ApiError: the service cannot be reached, or refuses to return any run.

    """
    path = Path(ledger)
    known = await anyio.to_thread.run_sync(read_known_runs, path, plan)
    scanner = paced_scanner(client, rate_per_s or _batch_rate(plan, known.state))
    await check_organization(known.state, scanner, str(path))
    comparison = _Comparison(path, known, scanner, observe)
    await comparison.read_lists()
    await comparison.read_renamed()
    await comparison.read_ids()
    found = await anyio.to_thread.run_sync(partial(comparison.mismatches, plan))
    return Verification(
        checked=len(known.names),
        mismatches=tuple(found),
        doubts=tuple(comparison.doubts),
        is_since_began=not known.has_taken_over,
    )


class _Comparison:
    """What was seen so far."""

    def __init__(self, path: Path, known: KnownRuns, scanner: Scanner, observe: ReadObserver) -> None:
        self._path = path
        self._known = known
        self._scanner = scanner
        self._observe = observe
        self._seen: set[str] = set()
        self._misnamed: dict[str, str | None] = {}
        self._respelled: dict[str, str] = {}
        self._strangers: dict[tuple[str, str | None], RunSummary] = {}
        self._missing: list[str] = []
        self._refusal: ApiError | None = None
        self._is_whole = False
        self.doubts: list[Problem] = []

    async def read_lists(self) -> None:
        """See what is listed under the batch's names."""
        known = self._known
        try:
            doubtful = await read_names(
                self._scanner,
                known.keys.keys(),
                self._take,
                created_after=None if known.has_taken_over else known.began_s,
                grown=self._grown,
                again=self._once_more,
                wanted=known,
                next_name=known.next_name,
                observe=self._observe,
            )
        except ApiError as error:
            if not is_call_refused(error):
                raise
            self._refusal = error
            fact = f"the runs cannot be listed ({error.trouble.describe()})"
            self._doubt(
                fact, "runs were looked up only by id; duplicates and runs that are not in the ledger cannot be found"
            )
            return
        self._is_whole = not doubtful
        if doubtful:
            fact = f"the lists of {len(doubtful):,} names are incomplete"
            self._doubt(fact, "runs with these names may exist that were not listed")
        if len(self._strangers) >= MOST_STRANGERS:
            self._doubt(f"more than {MOST_STRANGERS:,} runs are not in the ledger", "the rest are not shown")

    def _take(self, run: RunSummary) -> None:
        expected = self._known.names.get(run.id)
        if expected is None:
            # By id and name: of a list that gives one id to two names, both are shown.
            if len(self._strangers) < MOST_STRANGERS:
                self._strangers.setdefault((run.id, run.name), run)
        elif expected == run.name:
            self._seen.add(run.id)
        else:
            self._misnamed[run.id] = run.name

    async def read_renamed(self) -> None:
        """Look for unknown runs under another spelling of their names, as settling does: a list by name cannot show those."""
        runs, listed = self._known.state.runs.values(), {name for _, name in self._strangers}
        unseen = [run for run in runs if run.outcome is Outcome.UNKNOWN and run.name and run.name not in listed]
        if not unseen or self._refusal is not None:
            return
        names = {name_key(run.name): run.name for run in unseen if run.name}
        began_s = self._known.began_s
        first_s = min(began_s if run.since_s is None else max(began_s, run.since_s - MARGIN_S) for run in unseen)
        after = None if self._known.has_taken_over else first_s
        async for page in self._scanner.pages(Scan(), created_after=after, most_pages=MOST_PAGES_A_NAME):
            for run in page:
                found = [names[key] for key in name_keys(run) & names.keys()]
                if found and run.id not in self._known.names and run.name not in self._known:
                    self._respelled[run.id] = found[0]
                    self._strangers.setdefault((run.id, run.name), run)

    def _once_more(self) -> Collection[str]:
        known = self._known
        if len(known.keys) <= ONE_BY_ONE:
            return known.keys.keys()
        unseen = {name for run_id, name in known.names.items() if run_id not in self._seen}
        return unseen | {run.name for run in known.state.runs.values() if run.name and run.outcome is Outcome.UNKNOWN}

    async def _grown(self) -> int:
        """Runs that the batch created while the list was read."""
        before = _created(self._known.state)
        now = await anyio.to_thread.run_sync(read_known_runs, self._path)
        return max(0, _created(now.state) - before)

    async def read_ids(self) -> None:
        """Look up what the lists did not show."""
        unseen = [run_id for run_id in self._known.names if run_id not in self._seen]
        done = hidden = 0

        async def look(run_id: str) -> None:
            nonlocal done, hidden
            run = await self._scanner.run(run_id)
            if run is None:
                self._missing.append(run_id)
            elif run.name != self._known.names[run_id]:
                self._misnamed[run_id] = run.name
            else:
                self._seen.add(run_id)
                hidden += 1
            done += 1
            self._observe(done, len(unseen))

        try:
            await in_parallel(unseen, look)
        except ApiError as error:
            if not is_call_refused(error) or self._refusal is not None:
                raise
            fact = f"single runs cannot be read ({error.trouble.describe()})"
            self._doubt(fact, f"{len(unseen):,} runs that the list does not show were not looked up")
            # Those that were found missing before the refusal would look like all of them.
            self._missing.clear()
        if self._refusal is not None and unseen and not self._seen:
            raise self._refusal  # nothing at all was seen: not one answer can be believed
        if hidden and self._is_whole:
            fact = f"the list does not show {hidden:,} runs that exist"
            self._doubt(fact, "it may also hide duplicates and runs that are not in the ledger")

    def mismatches(self, plan: Plan | None) -> list[Mismatch]:
        """Where the two disagree, by what the ledger says now."""
        known = self._known
        if self._strangers or any(run.outcome is Outcome.UNKNOWN for run in known.state.runs.values()):
            known = read_known_runs(self._path, plan)  # a running batch may have recorded some of them meanwhile
        planned = _Planned(plan, known)
        seen = Seen(
            missing=[run_id for run_id in self._missing if run_id in known.names],
            renamed={i: name for i, name in self._misnamed.items() if i not in self._seen and i in known.names},
            strangers=self._strangers.values(),
            respelled=self._respelled,
        )
        return list(mismatches(known, seen, HeldRuns(known.state, plan), planned.of))

    def _doubt(self, fact: str, consequence: str) -> None:
        self.doubts.append(Problem("verify", fact, consequence))


class _Planned:
    """The planned runs by key, found when the first one is asked for: a comparison that finds nothing needs none."""

    def __init__(self, plan: Plan | None, known: KnownRuns) -> None:
        self._plan = plan
        self._known = known
        self._by_key: dict[str, PlannedRun] | None = None

    def of(self, key: str) -> PlannedRun | None:
        if self._by_key is None:
            self._by_key = {planned.key: planned for planned in self._plan or ()}
        return self._by_key.get(key)


def _created(state: BatchState) -> int:
    return state.counts[Outcome.SUBMITTED] + state.gone[Outcome.SUBMITTED]


def _batch_rate(plan: Plan | None, state: BatchState) -> float:
    """Read at the batch's attempt rate; nothing else uses it."""
    if plan is not None and plan.submit.rate is not None:
        return plan.submit.rate
    return max(READS_PER_S, (state.rate or {}).get("rate_per_s") or 0.0)
