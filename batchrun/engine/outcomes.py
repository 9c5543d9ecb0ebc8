"""Everything an attempt can end in, recorded in one place: in the ledger, in the counts, and in what follows for the run.

A run leaves an attempt in one of four directions: it is done (submitted, rejected, failed), it goes back to the backlog
(refused, unsent), it is settled (unknown), or the whole batch stops.
"""

import time

import msgspec

from batchrun.engine.active_runs import ActiveRuns
from batchrun.engine.backlog import Backlog, Work
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.progress import Reporter
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.settle_queue import SettleQueue
from batchrun.engine.stopping import FirstAnswers, StopSwitch, failures_stop, refusal_stop
from batchrun.engine.tally import Tally
from batchrun.engine.verdicts import NextStep, Pressure, Verdict
from batchrun.errors import NO_TROUBLE, Problem, Trouble
from batchrun.ledger.events import FailedEvent, RefusedEvent, RejectedEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from batchrun.wherobots.enums import RunStatus

__all__ = ["Outcomes"]

QUOTA_WAIT_S = 1.0
"""After a refusal for quota, in addition to waiting for room: a run that ends may not free its quota at once."""


class Outcomes:
    """Records how attempts and settled runs end, and passes each run on."""

    def __init__(
        self,
        *,
        settings: SubmitSettings,
        base_url: str,
        ledger: FileLedger,
        backlog: Backlog,
        to_settle: SettleQueue,
        active_runs: ActiveRuns,
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
        self._tally = tally
        self._switch = switch
        self._reporter = reporter
        self._first_answers = FirstAnswers()

    def answered(self, work: Work, answer: Answer, verdict: Verdict, *, sent_at_s: float) -> None:
        """An attempt ended; ``sent_at_s`` is when its POST left, in epoch seconds of the server's clock."""
        if (stop := self._first_answers.see(answer, verdict)) is not None:
            self._switch.pull(stop)
        match verdict.next_step, answer:
            case NextStep.SUBMITTED, Created():
                self._submitted(work, answer.run_id, answer.status, before=Outcome.PENDING)
            case NextStep.SETTLE | NextStep.SETTLE_ONLY, _:
                self._unknown(work, answer, verdict, sent_at_s)
            case NextStep.REJECT, Refused():
                self._rejected(work, answer)
            case NextStep.STOP, Refused():
                self._refused(work, answer)
                self._backlog.put(work)
                self._switch.pull(refusal_stop(answer, self._base_url))
            case _:
                self._retry(work, answer, verdict)

    def unsent(self, work: Work) -> None:
        """A pause or a stop came between journaling the attempt and sending it."""
        work.unsent_attempts += 1
        self._ledger.record(RefusedEvent(at=self._ledger.clock.stamp(), key=work.run.key, n=work.n, code="UNSENT"))
        self._backlog.put(work)

    def settled(self, work: Work, run_id: str, status: str | None, duplicates: list[str]) -> None:
        """Settling found the run of a lost attempt; ``duplicates`` are the ids of further runs of the same name."""
        self._tally.settled += 1
        self._submitted(work, run_id, status, before=Outcome.UNKNOWN, duplicates=duplicates)
        if duplicates:
            fact = f"the service holds {len(duplicates) + 1} runs of this name; {run_id} is adopted"
            fix = f"check {', '.join(duplicates)}, and cancel those that you do not need"
            self._reporter.note(Problem(work.run.name, fact, fix))

    def absent(self, work: Work) -> None:
        """Settling concluded that no run exists: try again, unless the attempts are used up."""
        if work.failed_attempts < self._settings.max_attempts:
            self._tally.move(Outcome.UNKNOWN, Outcome.PENDING)
            self._backlog.put(work, due_s=time.monotonic() + full_jitter_s(max(work.failed_attempts, 1)))
            return
        message = f"no run after {work.failed_attempts} attempts whose answers were lost"
        self._failed(work, Trouble(message=message), before=Outcome.UNKNOWN)

    def stays_unknown(self, work: Work, fact: str) -> None:
        """Settling gave up; a later session, or a person, decides."""
        self._backlog.retire()
        fix = "resume later, or look for it by its name"
        self._reporter.note(Problem(work.run.name, f"stays unknown; {fact}", fix))

    def _submitted(
        self, work: Work, run_id: str, status: str | None, *, before: Outcome, duplicates: list[str] | None = None
    ) -> None:
        run = work.run
        self._ledger.record(
            SubmittedEvent(
                at=self._ledger.clock.stamp(),
                key=run.key,
                n=work.n,
                run_id=run_id,
                name=run.name,
                status=status,
                point=msgspec.Raw(run.point_json),
                via="response" if duplicates is None else "settled",
                duplicates=duplicates or [],
            )
        )
        self._active_runs.created(run_id, run.key, is_final=RunStatus(status or "").is_final)
        self._done(before, Outcome.SUBMITTED)

    def _unknown(self, work: Work, answer: Answer, verdict: Verdict, sent_at_s: float) -> None:
        work.failed_attempts += verdict.is_counted
        work.exists_without_id = work.exists_without_id or verdict.next_step is NextStep.SETTLE_ONLY
        if work.first_unknown_at_s is None:
            work.first_unknown_at_s = sent_at_s
        self._ledger.record(
            UnknownEvent(
                at=self._ledger.clock.stamp(),
                key=work.run.key,
                n=work.n,
                reason=_reason(answer),
                created=work.exists_without_id,
            )
        )
        self._tally.move(Outcome.PENDING, Outcome.UNKNOWN)
        self._to_settle.put(work)

    def _rejected(self, work: Work, answer: Refused) -> None:
        self._ledger.record(self._end_event(RejectedEvent, work, answer.trouble))
        self._done(Outcome.PENDING, Outcome.REJECTED)

    def _retry(self, work: Work, answer: Answer, verdict: Verdict) -> None:
        is_counted = verdict.is_counted or (verdict.pressure is Pressure.QUOTA and not self._active_runs.active)
        work.failed_attempts += is_counted
        if verdict.pressure is Pressure.QUOTA:
            self._active_runs.quota_refused()
        if is_counted and work.failed_attempts >= self._settings.max_attempts:
            self._refused(work, answer)
            self._failed(work, _trouble(answer), before=Outcome.PENDING)
            return
        wait_s = self._wait_s(work, verdict)
        self._refused(work, answer, wait_s)
        self._backlog.put(work, due_s=time.monotonic() + wait_s)

    def _wait_s(self, work: Work, verdict: Verdict) -> float:
        """What the service asked for, or a backoff that grows with this run's own attempts."""
        asked = verdict.wait_s or 0.0
        if verdict.pressure is Pressure.RATE:
            return asked  # the pacer holds everybody back; waiting longer here would lose the run's turn
        if verdict.pressure is Pressure.QUOTA and self._active_runs.active:
            return max(asked, QUOTA_WAIT_S)
        return max(asked, full_jitter_s(max(work.failed_attempts, 1)))

    def _refused(self, work: Work, answer: Answer, retry_in: float | None = None) -> None:
        trouble = _trouble(answer)
        self._ledger.record(
            RefusedEvent(
                at=self._ledger.clock.stamp(),
                key=work.run.key,
                n=work.n,
                status=trouble.status,
                code=trouble.code or ("UNSENT" if trouble.status is None else None),
                retry_in=None if retry_in is None else round(retry_in, 3),
            )
        )

    def _failed(self, work: Work, trouble: Trouble, *, before: Outcome) -> None:
        self._ledger.record(self._end_event(FailedEvent, work, trouble))
        self._done(before, Outcome.FAILED)

    def _done(self, before: Outcome, after: Outcome) -> None:
        self._tally.move(before, after)
        self._backlog.retire()
        if (stop := failures_stop(self._tally, self._settings.stop_after_failures)) is not None:
            self._switch.pull(stop)

    def _end_event(
        self, kind: type[RejectedEvent | FailedEvent], work: Work, trouble: Trouble
    ) -> RejectedEvent | FailedEvent:
        run = work.run
        return kind(
            at=self._ledger.clock.stamp(),
            key=run.key,
            n=work.n,
            name=run.name,
            point=msgspec.Raw(run.point_json),
            status=trouble.status,
            code=trouble.code,
            message=trouble.message,
            field=trouble.field,
            suggestion=trouble.suggestion,
        )


def _trouble(answer: Answer) -> Trouble:
    match answer:
        case Refused():
            return answer.trouble
        case Lost():
            return Trouble(message=answer.reason)
        case _:
            return NO_TROUBLE


def _reason(answer: Answer) -> str:
    match answer:
        case Lost() | Unreadable():
            return answer.reason
        case Refused():
            code = f" ({answer.trouble.code})" if answer.trouble.code else ""
            return f"HTTP {answer.http_status}{code}"
        case Created():
            return ""
