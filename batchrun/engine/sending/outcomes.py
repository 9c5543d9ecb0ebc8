"""Records every way an attempt can end in one place: in the ledger, in the counts, and in what happens to the run next.

A run leaves an attempt in one of four directions: it is done (submitted, rejected, failed), it goes back to the backlog
(refused, unsent), it is settled (unknown), or the whole batch stops.
"""

import time
from collections.abc import Iterable
from itertools import islice

from batchrun.engine.evidence import why_odd
from batchrun.engine.listing.known_ids import KnownIds
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.progress import Reporter
from batchrun.engine.sending.active_runs import ActiveRuns
from batchrun.engine.sending.backlog import Backlog, Work
from batchrun.engine.sending.controls import Controls
from batchrun.engine.sending.endings import (
    end_event,
    reason_of,
    refused_event,
    submitted_event,
    trouble_of,
    unknown_event,
)
from batchrun.engine.sending.resent import Resent
from batchrun.engine.sending.settle_queue import SettleQueue
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import AlikeAnswers, Stop, StopReason, StopSwitch, failures_stop, refusal_stop
from batchrun.engine.tally import Tally
from batchrun.engine.verdicts import NextStep, Pressure, Verdict
from batchrun.errors import Problem, Trouble
from batchrun.ledger.events import (
    AbsentEvent,
    DuplicatesEvent,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
)
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import Outcome
from batchrun.tracking.changes import new_run
from batchrun.wherobots.answers import Answer, Created, Refused
from batchrun.wherobots.http_statuses import is_conflict
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Outcomes"]

QUOTA_WAIT_S = 1.0
"""Minimum seconds before retrying a run that was refused for quota: others go first, which may need less of it."""
LOOK_AGAIN_S = 2.0
"""Seconds before a run that could not be looked for is tried again."""
SHOWN = 3
"""Number of ids shown for runs with the same name."""
MOST_LOOKS = 15
"""Failed looks for one run before it is left for a later session: half a minute without a readable list."""


class Outcomes:
    """Records how attempts and settled runs end, and hands each run on."""

    def __init__(
        self,
        *,
        settings: SubmitSettings,
        base_url: str,
        ledger: FileLedger,
        backlog: Backlog,
        to_settle: SettleQueue,
        active_runs: ActiveRuns,
        controls: Controls,
        known_ids: KnownIds,
        tally: Tally,
        switch: StopSwitch,
        reporter: Reporter,
    ) -> None:
        self._settings = settings
        self._base_url = base_url
        self._ledger = ledger
        self._backlog = backlog
        self._to_settle = to_settle
        self._active_runs = active_runs
        self._controls = controls
        self._known_ids = known_ids
        self._tally = tally
        self._switch = switch
        self._reporter = reporter
        self._alike_answers = AlikeAnswers()
        self.resent: list[Resent] = []
        """Submitted runs whose names have to be looked for once more."""

    def begun(self, work: Work) -> None:
        """The session has recorded an event for the run, so its earlier outcome no longer counts."""
        if work.ended_as is not None:
            self._tally.retried(work.ended_as)
            work.ended_as = None

    def answered(self, work: Work, answer: Answer, verdict: Verdict, *, sent_at_s: float) -> None:
        """An attempt ended; ``sent_at_s`` is when its POST left, in epoch seconds of the server's clock."""
        if (stop := self._alike_answers.see(answer, verdict)) is not None:
            self._switch.pull(stop)
        match verdict.next_step, answer:
            case NextStep.SUBMITTED, Created():
                self._created(work, answer)
            case NextStep.SETTLE | NextStep.SETTLE_ONLY, _:
                self._unknown(work, answer, verdict, sent_at_s)
            case NextStep.REJECT, Refused():
                self._rejected(work, answer)
            case NextStep.STOP, Refused():
                self._refused(work, answer)
                self._backlog.put(work)  # pending, and not failed: with the right key, a resume sends it
                self._switch.pull(refusal_stop(answer, self._base_url))
            case _:
                self._retry(work, answer, verdict, sent_at_s)

    def unsent(self, work: Work) -> None:
        """A pause or a stop came between journaling the attempt and sending it."""
        # Without this event, a resume would look for a run that was never sent.
        self._ledger.record(RefusedEvent(at=self._at(), key=work.key, n=work.n, code="UNSENT"))
        self._backlog.put(work)

    def settled(self, work: Work, *, run_id: str, status: str | None, duplicates: list[str]) -> None:
        """Settling found the run of a lost attempt; ``duplicates`` are the ids of further runs that fit as well."""
        self._tally.settled += 1
        self._known_ids.add(run_id, work.key)
        self._look_again_at(work, work.lost_at_s, duplicates)
        self._submitted(work, run_id=run_id, status=status, duplicates=duplicates)
        if duplicates:
            self._note_duplicates(work.name, run_id, duplicates)

    def absent(self, work: Work) -> None:
        """Settling concluded that no run exists: try again, unless the attempts are used up or the plan dropped it."""
        if work.failed_attempts >= self._settings.max_attempts:
            message = (
                f"no run after {work.failed_attempts} attempt{'s' * (work.failed_attempts != 1)} without a response"
            )
            self._failed(work, Trouble(message=message))
            return
        self._ledger.record(AbsentEvent(at=self._at(), key=work.key, n=work.n))
        self._move(work, Outcome.PENDING)
        if work.planned is None:  # it left the plan, or there is none: that it is absent is all there is to find out
            self._backlog.retire()
        else:
            self._backlog.put(work, due_s=time.monotonic() + full_jitter_s(max(work.failed_attempts, 1)))

    def odd(self, work: Work, listed: Iterable[RunSummary], doubt: str = "") -> None:
        """A run of this name exists that may be ours or not: nothing is sent, and a person decides."""
        odd = list(islice(listed, SHOWN))
        ids = ", ".join(run.id[:40] for run in odd)
        why, kind = (doubt, doubt) if doubt else why_odd(odd[0], work.name)
        fact = f"the service holds a run, {ids}, that may be this one, but {why}"
        if work.outcome is not Outcome.UNKNOWN:  # found by the look right before sending, when it counted as absent
            self._record_unknown(work, fact)
        self.stays_unknown(work, fact, kind=f"the service holds a run that may be this one, but {kind}")

    def stays_unknown(self, work: Work, fact: str, *, kind: str = "") -> None:
        """Settling gave up; a later session, or a person, decides. ``kind`` is the fact without what is this run's own."""
        self._backlog.retire()
        is_sent = work.first_unknown_at_s is not None  # else no later look decides, and another key may have the name
        fix = f"{'resume later, or ' * is_sent}decide with batchrun resolve {self._ledger.path}"
        note = Problem(work.name, f"its outcome stays unknown; {fact}", f"{fix} {work.name if is_sent else work.key}")
        self._reporter.note_run(note, kind=f"their outcomes stay unknown; {kind or fact}", fix=fix)

    def could_not_look(self, work: Work, fact: str) -> None:
        """The lookup required before resending failed; retry it a limited number of times."""
        work.failed_looks += 1
        if work.failed_looks < MOST_LOOKS:
            self._backlog.put(work, due_s=time.monotonic() + LOOK_AGAIN_S)
            return
        self._backlog.retire()
        fix = "resume later"
        if work.first_unknown_at_s is not None:
            fix += f", or say that it does not exist: batchrun resolve {self._ledger.path} NAME --resend"
        note = Problem(work.name, f"was not sent; {fact}", fix.replace("NAME", work.name))
        self._reporter.note_run(note, kind=f"were not sent; {fact}", fix=fix)

    def checked(self, resent: Resent, others: list[str], *, is_whole: bool) -> None:
        """The last look at a name that was sent more than once; ``others`` are runs beyond the one that is ours."""
        others = [run_id for run_id in others if run_id not in resent.reported]
        if others or is_whole:
            self._ledger.record(DuplicatesEvent(at=self._at(), key=resent.key, run_ids=others, is_whole=is_whole))
        if others:
            self._note_duplicates(resent.name, "one of them", others)

    def _note_duplicates(self, name: str, adopted: str, others: list[str]) -> None:
        fact = f"the service holds {len(others) + 1} runs with this name; {adopted} is adopted"
        fix = f"check {', '.join(others)} and cancel those that you do not need"
        kind, many = "exist more than once at the service", f"see batchrun verify {self._ledger.path}"
        self._reporter.note_run(Problem(name, fact, fix), kind=kind, fix=many)

    def _created(self, work: Work, answer: Created) -> None:
        other = self._known_ids.add(answer.run_id, work.key)
        if other is not None:
            self._record_unknown(
                work, f"the service returned {answer.run_id}, which is the id of another run", exists=True
            )
            self._backlog.retire()
            fact = f"it returned {answer.run_id} for two runs, {other} and {work.key}; its responses cannot be trusted"
            fix = "this is not Wherobots Cloud, or it is broken; check the base URL"
            self._switch.pull(Stop(StopReason.SAME_ID, Problem(self._base_url, fact, fix)))
            return
        # A later list that does not show it proves nothing.
        self._controls.add(answer.run_id, work.name, work.run.region)
        self._look_again_at(work, time.monotonic())
        self._submitted(work, run_id=answer.run_id, status=answer.status)

    def _look_again_at(self, work: Work, last_sent_s: float, reported: Iterable[str] = ()) -> None:
        """A run that was sent more than once exists: any other attempt of it may still commit, so its name is looked for again.

        ``last_sent_s`` is when its latest attempt ended, on the monotonic clock.
        """
        if work.first_unknown_at_s is None or work.first_unknown_n == work.n:
            return
        self.resent.append(
            Resent(
                key=work.key,
                name=work.name,
                first_sent_at_s=work.first_unknown_at_s,
                not_before_s=last_sent_s + self._settings.settle_after_s,
                body=work.compared_body,
                generation=work.generation,
                reported=frozenset(reported),
            )
        )

    def _submitted(self, work: Work, *, run_id: str, status: str | None, duplicates: list[str] | None = None) -> None:
        self._ledger.record(submitted_event(self._at(), work, run_id=run_id, status=status, duplicates=duplicates))
        self._active_runs.created(new_run(work.key, work.name, run_id, status))
        self._done(work, Outcome.SUBMITTED)

    def _unknown(self, work: Work, answer: Answer, verdict: Verdict, sent_at_s: float) -> None:
        work.failed_attempts += verdict.is_counted
        work.may_have_created(sent_at_s)
        self._record_unknown(work, reason_of(answer), exists=verdict.next_step is NextStep.SETTLE_ONLY)
        self._to_settle.put(work)

    def _record_unknown(self, work: Work, reason: str, *, exists: bool = False) -> None:
        work.exists_without_id = work.exists_without_id or exists
        self._ledger.record(unknown_event(self._at(), work, reason))
        self._move(work, Outcome.UNKNOWN)

    def _rejected(self, work: Work, answer: Refused) -> None:
        self._ledger.record(end_event(RejectedEvent, self._at(), work, answer.trouble))
        self._done(work, Outcome.REJECTED)

    def _retry(self, work: Work, answer: Answer, verdict: Verdict, sent_at_s: float) -> None:
        if verdict.pressure is Pressure.QUOTA:
            self._active_runs.quota_refused(verdict.wait_s or 0.0)
        if isinstance(answer, Refused) and is_conflict(answer.http_status, answer.trouble.code):
            work.may_have_created(sent_at_s, is_conflict=True)
        work.failed_attempts += verdict.is_counted
        if verdict.is_counted and work.failed_attempts >= self._settings.max_attempts:
            self._refused(work, answer)  # both events: this attempt created nothing, and the run ends with it
            self._failed(work, trouble_of(answer))
            return
        wait_s = self._wait_s(work, verdict)
        self._refused(work, answer, wait_s)
        self._backlog.put(work, due_s=time.monotonic() + wait_s)

    def _wait_s(self, work: Work, verdict: Verdict) -> float:
        """What the service asked for, or a backoff that grows with this run's own attempts."""
        asked = verdict.wait_s or 0.0
        if verdict.pressure is Pressure.RATE:
            return asked  # the pacer holds everybody back; waiting longer here would lose the run's turn
        if verdict.pressure is Pressure.QUOTA:
            return QUOTA_WAIT_S  # which runs are tried next, and when, is up to `ActiveRuns`
        return max(asked, full_jitter_s(max(work.failed_attempts, 1)))

    def _refused(self, work: Work, answer: Answer, retry_in: float | None = None) -> None:
        self._ledger.record(refused_event(self._at(), work, answer, retry_in))

    def _failed(self, work: Work, trouble: Trouble) -> None:
        self._ledger.record(end_event(FailedEvent, self._at(), work, trouble))
        self._done(work, Outcome.FAILED)

    def _done(self, work: Work, outcome: Outcome) -> None:
        self._move(work, outcome)
        self._backlog.retire()
        if (stop := failures_stop(self._tally, self._settings.stop_after_failures)) is not None:
            self._switch.pull(stop)

    def _move(self, work: Work, outcome: Outcome) -> None:
        """Runs that left the plan are recorded but not counted."""
        self.begun(work)
        if work.is_counted and work.outcome is not outcome:
            self._tally.move(work.outcome, outcome)
        work.outcome = outcome

    def _at(self) -> str:
        return self._ledger.clock.stamp()
