"""Find out, by listing, whether an attempt with an unknown outcome created its run, before anything is sent again.

A run that is found is adopted. That a run does not exist is concluded only from evidence that rules of
`batchrun.engine.evidence` accept: complete lists, ``settle_after`` after the attempt ended, twice in a row, with a run of
ours that was created later in the same kind of list. Anything odd proves nothing, and the run stays unknown.
"""

import time
from collections import defaultdict
from collections.abc import Iterable

from batchrun.engine.evidence import MARGIN_S, Evidence, Finding, Sought, name_key, name_keys, weigh
from batchrun.engine.listing.known_ids import KnownIds
from batchrun.engine.listing.scan import Scan, Scanner
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.sending.backlog import Backlog, Work
from batchrun.engine.sending.controls import Control, Controls
from batchrun.engine.sending.last_look import MOST_DUPLICATES, LastLook
from batchrun.engine.sending.outcomes import Outcomes
from batchrun.engine.sending.settle_queue import Case, SettleQueue
from batchrun.engine.stopping import StopSwitch, refusal_stop
from batchrun.engine.tagging import Tagging
from batchrun.engine.verdicts import NextStep, judge_read
from batchrun.errors import ApiError
from batchrun.wherobots.answers import Refused
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["Settler"]

BAD_SCANS = 6
"""After this many unreadable scans in a row, and ``BAD_FOR_S``, with nothing else left to do, the rest stays unknown."""
BAD_FOR_S = 30.0
"""A service that restarts is back within this time."""
DOUBTED_FOR_S = 60.0
"""With nothing else left to do, a run about which lists prove nothing for this long, and six times ``settle_after``, stays
unknown: a later session, or a person, decides."""


class Settler:
    """The one task that looks for unknown runs while other runs are submitted."""

    def __init__(
        self,
        *,
        queue: SettleQueue,
        client: RunsClient,
        pacer: Pacer,
        backlog: Backlog,
        outcomes: Outcomes,
        controls: Controls,
        known_ids: KnownIds,
        tagging: Tagging,
        switch: StopSwitch,
        settle_after_s: float,
        began_s: float = 0.0,
    ) -> None:
        """``began_s``: epoch seconds by the server's clock before which no attempt of the batch created a run."""
        self._queue = queue
        self._client = client
        self._scanner = Scanner(client, pacer.wait_for_read)
        self._backlog = backlog
        self._outcomes = outcomes
        self._controls = controls
        self._known_ids = known_ids
        self._tagging = tagging
        self._switch = switch
        self._doubted_for_s = max(DOUBTED_FOR_S, 6 * settle_after_s)
        self._bad_scans = 0
        self._bad_since_s = 0.0
        self._is_broad_trusted = True
        self._began_s = began_s

    async def run(self) -> None:
        """Look whenever a run is due; runs until cancelled."""
        while True:
            await self._queue.wait_due()
            await self._look()

    async def may_send(self, work: Work) -> bool:
        """Look for a run by its exact name right before it is sent again; False if it must not be sent now.

        Between the scans that proved its absence and now lie a backoff, a pause and the wait for a permit: time enough for
        a late commit to appear.

        The same for a run whose name a lost attempt of another key has. In an older copy of the ledger, that attempt kept
        preflight from asking about a run of this name that the newer copy had created, if the service rewrote its payload.
        """
        if work.looked_from_s is None:
            return True
        try:
            listed, is_whole = await self._scanner.named(work.name, self._sought(work).created_from_s)
            finding = await self._confirm(self._weigh(listed, work), work)
        except ApiError as error:
            self._stop_if_pointless(error)
            self._outcomes.could_not_look(work, f"it may exist, but the runs cannot be listed: {error}")
            return False
        match finding.evidence:
            case Evidence.PRESENT | Evidence.ODD if work.first_unknown_at_s is None:
                self._outcomes.odd(work, finding.runs, "it may also be an earlier one of this name")
            case Evidence.PRESENT:
                self._adopt(work, finding)
            case Evidence.ODD:
                self._outcomes.odd(work, finding.runs, finding.doubt)
            case _ if not is_whole:
                self._outcomes.could_not_look(work, "it may exist, but the list of its name is incomplete")
            case _:
                return True
        return False

    async def _look(self) -> None:
        # Read before the list is: what is created, or lost, from now on may be missing from it.
        began_s, created = time.monotonic(), self._controls.created
        due = self._queue.due(began_s)
        try:
            page = await self._scanner.first_page(created_after=self._earliest(due))
            # One list of everything costs the fewest calls, unless most of it is others' runs.
            is_short = page.next_page is None or (page.total or 0) <= len(due) * MAX_PAGE_SIZE
            if is_short and self._is_broad_trusted:
                await self._look_through(due, page, began_s, created)
            else:
                await self._look_by_name(due, began_s)
        except ApiError as error:
            self._could_not_look(due, error)
            return
        self._bad_scans = 0

    async def _look_through(self, due: list[Case], first: RunSummaryPage, began_s: float, created: int) -> None:
        """Read one list of all runs since the earliest attempt; what it showed before it failed still counts."""
        scan, after = Scan(), self._earliest(due)
        listed: defaultdict[str, list[RunSummary]] = defaultdict(list)
        shown = set[str]()
        failure: ApiError | None = None
        # Once, and not for each page: thousands may wait. What is lost from now on is looked for in the next list.
        waiting = {name_key(case.work.name) for case in self._queue}
        try:
            async for runs in self._scanner.pages(scan, created_after=after, first=first):
                shown |= self._controls.shown_by(runs)
                for run in runs:
                    for name in name_keys(run) & waiting:
                        listed[name].append(run)
        except ApiError as error:
            failure = error
        is_whole = failure is None and scan.is_complete(grown=self._controls.created - created)
        found = {case.work.key: await self._find(case, listed, is_whole=is_whole) for case in self._by_payload()}
        if failure is not None:
            raise failure
        if not is_whole and scan.totals[0] is not None:
            self._is_broad_trusted = False  # lists of one name are short: they may be complete where this one is not
        for case in due:
            if case in self._queue:
                controls = self._controls.later_than(case.work.lost_at_s)
                is_believed = not controls or any(control.run_id in shown for control in controls)
                proves = is_whole and is_believed
                finding = found[case.work.key]
                await self._missed(case, finding, began_s, proves=proves, has_control=bool(controls))

    async def _find(self, case: Case, listed: dict[str, list[RunSummary]], *, is_whole: bool) -> Finding:
        """Adopt a waiting run if the list shows it."""
        finding = self._weigh(listed.get(name_key(case.work.name), ()), case.work)
        if not is_whole:
            finding = await self._confirm(finding, case.work)
        self._adopt_if_present(case, finding)
        return finding

    async def _look_by_name(self, due: list[Case], began_s: float) -> None:
        """Read one list for each name, and one for each control."""
        latest_loss_s = max(case.work.lost_at_s for case in due)
        is_visible = await self._shows_a_control(self._controls.later_than(latest_loss_s), self._earliest(due))
        for case in due:
            if case not in self._queue:
                continue
            listed, is_whole = await self._scanner.named(case.work.name, self._sought(case.work).created_from_s)
            finding = await self._confirm(self._weigh(listed, case.work), case.work)
            if not self._adopt_if_present(case, finding):
                proves = is_whole and is_visible is not False
                await self._missed(case, finding, began_s, proves=proves, has_control=is_visible is True)

    async def _shows_a_control(self, controls: list[Control], after: float) -> bool | None:
        """Whether the same kind of list shows a run of ours; None if there is no run to try with."""
        for control in (*controls[:1], *controls[1:][-1:]):  # the oldest and the latest: one may have been deleted
            runs, _ = await self._scanner.named(control.name, after)
            if any(run.id == control.run_id and run.name == control.name for run in runs):
                return True
        return False if controls else None

    async def _confirm(self, finding: Finding, work: Work) -> Finding:
        """Compare a run that is to be adopted with what the service shows under its id.

        A list of one name, or one that was cut short, does not show whether it gives the same id to other names as well.
        """
        if finding.evidence is not Evidence.PRESENT:
            return finding
        run_id = finding.runs[0].id
        run = await self._scanner.run(run_id)
        if run is not None and (run.id, run.name) == (run_id, work.name):
            return finding
        doubt = "is not found by its id" if run is None else "has another name if it is read by its id"
        return Finding(evidence=Evidence.ODD, runs=finding.runs, doubt=f"it {doubt}")

    def _adopt_if_present(self, case: Case, finding: Finding) -> bool:
        if case not in self._queue or finding.evidence is not Evidence.PRESENT:
            return False
        self._adopt(self._queue.remove(case), finding)
        return True

    def _adopt(self, work: Work, finding: Finding) -> None:
        if work.is_inherited:
            self._controls.prove_organization()
        oldest, *others = finding.runs
        duplicates = [run.id for run in others[:MOST_DUPLICATES]]
        self._outcomes.settled(work, run_id=oldest.id, status=oldest.status, duplicates=duplicates)

    async def _missed(self, case: Case, finding: Finding, began_s: float, *, proves: bool, has_control: bool) -> None:
        """A scan did not show a run as ours: it is absent, or odd, or nothing is proven."""
        if finding.evidence is Evidence.ODD:
            self._queue.doubted(case)
            case.odd_looks += 1
            if case.odd_looks > 1:  # once more, in case the answer was half-written
                self._outcomes.odd(self._queue.remove(case), finding.runs, finding.doubt)
        elif not self._client.clock.can_date(self._sought(case.work).created_from_s):
            self._doubt(case, "the clocks of this machine and of the service are days apart, or were when it was sent")
        elif not proves:
            self._doubt(case, "the lists that should show it are incomplete, or do not show runs that exist")
        elif case.work.is_inherited and not self._controls.is_same_organization:
            self._doubt(
                case, "no run of the batch proves that this API key belongs to the organization that it was sent to"
            )
        elif self._queue.missed(case, began_s, has_control=has_control):
            region, is_earlier = case.work.region, case.work.is_inherited
            if await self._controls.witnesses.are_listed(self._scanner, region, is_earlier=is_earlier):
                self._absent(self._queue.remove(case))
            else:
                self._doubt(case, "the lists do not show other runs of this batch, or not when they were created")

    def _doubt(self, case: Case, fact: str) -> None:
        """A complete look proved nothing; after a long time of that, with nothing else left to do, a person decides."""
        self._queue.doubted(case)
        is_long = time.monotonic() - case.work.lost_at_s > self._doubted_for_s
        if is_long and self._backlog.is_drained_but(len(self._queue)):
            self._outcomes.stays_unknown(self._queue.remove(case), fact)

    def _absent(self, work: Work) -> None:
        if work.exists_without_id:
            self._outcomes.stays_unknown(work, "it was answered with a 2xx without a readable id, and is not listed")
        else:
            self._outcomes.absent(work)

    def _weigh(self, listed: Iterable[RunSummary], work: Work) -> Finding:
        def is_of_another(run_id: str) -> bool:
            return self._known_ids.holder(run_id) not in {None, work.key}

        return weigh(listed, self._sought(work), is_taken=self._known_ids.is_foreign, is_of_another=is_of_another)

    def _by_payload(self) -> list[Case]:
        """Those with a payload to compare come first: they are recognized beyond the name."""
        return sorted(self._queue, key=lambda case: case.work.compared_body is None)

    def _could_not_look(self, due: list[Case], error: ApiError) -> None:
        self._stop_if_pointless(error)
        now_s = time.monotonic()
        self._bad_since_s = self._bad_since_s if self._bad_scans else now_s
        self._bad_scans += 1
        is_long = self._bad_scans >= BAD_SCANS and now_s - self._bad_since_s >= BAD_FOR_S
        if is_long and self._backlog.is_drained_but(len(self._queue)):
            for case in self._queue:
                self._outcomes.stays_unknown(self._queue.remove(case), f"the runs cannot be listed: {error}")
        self._queue.postpone(due, max(error.retry_after_s or 0.0, full_jitter_s(self._bad_scans)))

    def _stop_if_pointless(self, error: ApiError) -> None:
        if judge_read(error).next_step is NextStep.STOP:
            self._switch.pull(refusal_stop(Refused(error.trouble), self._client.settings.base_url))

    async def last_look(self) -> None:
        """Look for every name that was sent more than once: an earlier attempt may have committed after the last one."""
        await LastLook(
            scanner=self._scanner,
            outcomes=self._outcomes,
            known_ids=self._known_ids,
            tagging=self._tagging,
            created_from_s=self._created_from_s,
        ).run()

    def _sought(self, work: Work) -> Sought:
        return Sought(
            name=work.name,
            created_from_s=self._created_from_s(work.looked_from_s),
            body=work.compared_body,
            tag=self._tagging.tag_of(work.key, work.generation),
        )

    def _earliest(self, cases: Iterable[Case]) -> float:
        return min(self._sought(case.work).created_from_s for case in cases)

    def _created_from_s(self, first_sent_at_s: float | None) -> float:
        """A session whose clock is behind must not take runs for its own that existed before the batch began."""
        if first_sent_at_s is None:
            return 0.0
        return max(first_sent_at_s, self._began_s) - MARGIN_S - self._client.clock.creation_lag_s
