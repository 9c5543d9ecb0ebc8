"""One attempt: write, send, judge, record. Never cancelled half-way; who calls it shields it."""

import time

import msgspec

from batchrun.engine.backlog import Work
from batchrun.engine.pacing.backoff import full_jitter_s
from batchrun.engine.pacing.pacer import Permit
from batchrun.engine.session import Session
from batchrun.engine.settle import Settler
from batchrun.engine.stopping import StopReason
from batchrun.engine.verdicts import NextStep, Pressure, Verdict, judge
from batchrun.errors import Problem
from batchrun.ledger.events import RefusedEvent, RejectedEvent, UnknownEvent
from batchrun.ledger.fold import Outcome
from batchrun.wherobots.answers import NO_ERROR_BODY, Answer, Created, Lost, Refused, ServiceError, Unreadable
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["ALL_REJECTED_AFTER", "Attempts"]

QUOTA_WAIT_S = 1.0
"""After a refusal for quota, beside waiting for room: the end of one of our runs may not free quota at once."""
ALL_REJECTED_AFTER = 20
"""So many first answers, all the same rejection, mean that the manifest is plainly wrong."""


class Attempts:
    """Makes attempts in one session and carries out what follows from each answer."""

    def __init__(self, session: Session, settler: Settler) -> None:
        self._session = session
        self._settler = settler
        self._first_rejections: list[tuple[object, ...]] | None = []

    async def attempt(self, work: Work, turn: Permit) -> None:
        """Send a run once. Its POST leaves only after the attempt is durable.

        Raises:
            LedgerWriteError: the attempt could not be made durable; nothing was sent.

        """
        session, run = self._session, work.run
        work.n += 1
        await session.ledger.attempted(run.key, work.n)
        if session.pacing.is_paused or session.switch.is_pulled:
            self._unsent(work)
            return
        began_s, began_server_s = time.monotonic(), session.server_now()
        session.tally.attempted(is_retry=work.n - work.held > 1)
        try:
            answer = await session.client.create(run.region, run.body)
        finally:
            session.tally.in_flight -= 1
        verdict = judge(answer, may_exist=work.since_s is not None)
        session.pacing.answered(turn, verdict, time.monotonic() - began_s, hint=_hint(answer))
        self._watch_first(answer)
        self._carry_out(work, answer, verdict, began_server_s)

    def _unsent(self, work: Work) -> None:
        """A pause or a stop came between the turn and the sending."""
        work.held += 1
        self._session.ledger.record(
            RefusedEvent(at=self._session.ledger.clock.stamp(), key=work.run.key, n=work.n, code="UNSENT")
        )
        self._session.backlog.put(work)

    def _carry_out(self, work: Work, answer: Answer, verdict: Verdict, began_server_s: float) -> None:
        match verdict.follow, answer:
            case NextStep.SUBMITTED, Created():
                self._session.submitted(work, answer.run_id, answer.status)
            case NextStep.SETTLE | NextStep.SETTLE_ONLY, _:
                self._unknown(work, answer, verdict, began_server_s)
            case NextStep.REJECT, Refused():
                self._rejected(work, answer)
            case NextStep.STOP, Refused():
                self._refused(work, answer, None)
                self._session.backlog.put(work)
                self._stop(answer)
            case _:
                self._retry(work, answer, verdict)

    def _unknown(self, work: Work, answer: Answer, verdict: Verdict, began_server_s: float) -> None:
        work.counted += verdict.is_counted
        work.created = work.created or verdict.follow is NextStep.SETTLE_ONLY
        if work.since_s is None:
            work.since_s = began_server_s
        session = self._session
        session.ledger.record(
            UnknownEvent(
                at=session.ledger.clock.stamp(),
                key=work.run.key,
                n=work.n,
                reason=_reason(answer),
                created=work.created,
            )
        )
        session.tally.move(Outcome.PENDING, Outcome.UNKNOWN)
        self._settler.put(work)

    def _rejected(self, work: Work, answer: Refused) -> None:
        session, run, error = self._session, work.run, answer.error
        session.ledger.record(
            RejectedEvent(
                at=session.ledger.clock.stamp(),
                key=run.key,
                n=work.n,
                name=run.name,
                status=answer.http_status,
                code=error.code,
                message=error.message,
                field=error.field,
                suggestion=error.suggestion,
                point=msgspec.Raw(run.point_json),
            )
        )
        session.tally.move(Outcome.PENDING, Outcome.REJECTED)
        session.backlog.retire()
        session.check_failures()

    def _retry(self, work: Work, answer: Answer, verdict: Verdict) -> None:
        is_counted = verdict.is_counted or (verdict.pressure is Pressure.QUOTA and not self._session.window.active)
        work.counted += is_counted
        if verdict.pressure is Pressure.QUOTA:
            self._session.quota_refused()
        if is_counted and work.counted >= self._session.settings.max_attempts:
            self._refused(work, answer, None)
            status, error = _words(answer)
            self._session.failed(work, Outcome.PENDING, status=status, error=error)
            return
        wait_s = self._wait_s(work, verdict)
        self._refused(work, answer, wait_s)
        self._session.backlog.put(work, due_s=time.monotonic() + wait_s)

    def _wait_s(self, work: Work, verdict: Verdict) -> float:
        """What the service asked for, or a backoff that grows with this run's own attempts."""
        asked = verdict.wait_s or 0.0
        if verdict.pressure is Pressure.RATE:
            return asked
        if verdict.pressure is Pressure.QUOTA and self._session.window.active:
            return max(asked, QUOTA_WAIT_S)
        return max(asked, full_jitter_s(max(work.counted, 1)))

    def _refused(self, work: Work, answer: Answer, retry_in: float | None) -> None:
        status, error = _words(answer)
        self._session.ledger.record(
            RefusedEvent(
                at=self._session.ledger.clock.stamp(),
                key=work.run.key,
                n=work.n,
                status=status,
                code=error.code or ("UNSENT" if status is None else None),
                retry_in=None if retry_in is None else round(retry_in, 3),
            )
        )

    def _stop(self, answer: Refused) -> None:
        self._session.switch.pull(*stop_for(answer, self._session.client.settings.base_url))

    def _watch_first(self, answer: Answer) -> None:
        seen = self._first_rejections
        if seen is None:
            return
        if not isinstance(answer, Refused) or judge(answer, may_exist=False).follow is not NextStep.REJECT:
            self._first_rejections = None
            return
        seen.append((answer.http_status, answer.error.code, answer.error.field))
        if len(set(seen)) > 1:
            self._first_rejections = None
        elif len(seen) >= ALL_REJECTED_AFTER:
            self._session.switch.pull(StopReason.ALL_REJECTED, _all_rejected(answer))


def stop_for(answer: Refused, base_url: str) -> tuple[StopReason, Problem]:
    """Why a batch stops after a 3xx, 401 or 403, in words."""
    said = f"HTTP {answer.http_status}" + (f" ({answer.error.code})" if answer.error.code else "")
    if answer.http_status // 100 == 3:  # noqa: PLR2004 - 3xx
        return StopReason.REDIRECTED, Problem(
            base_url,
            f"it answers {said}, a redirect",
            "set the base URL that it redirects to; redirects are not followed",
        )
    message = f": {answer.error.message}" if answer.error.message else ""
    return StopReason.UNAUTHORIZED, Problem(
        base_url, f"the API key was refused, {said}{message}", "check WHEROBOTS_API_KEY, then resume"
    )


def _all_rejected(answer: Refused) -> Problem:
    error = answer.error
    said = f"HTTP {answer.http_status}" + (f" ({error.code})" if error.code else "")
    message = f": {error.message}" if error.message else ""
    fact = f"the first {ALL_REJECTED_AFTER} answers were all the same rejection, {said}{message}"
    return Problem(error.field or "submit", fact, error.suggestion or "mend the manifest")


def _hint(answer: Answer) -> RateHint | None:
    return answer.hint if isinstance(answer, Created | Refused) else None


def _words(answer: Answer) -> tuple[int | None, ServiceError]:
    if isinstance(answer, Refused):
        return answer.http_status, answer.error
    if isinstance(answer, Lost):
        return None, msgspec.structs.replace(NO_ERROR_BODY, message=answer.reason)
    return None, NO_ERROR_BODY


def _reason(answer: Answer) -> str:
    match answer:
        case Lost() | Unreadable():
            return answer.reason
        case Refused():
            code = f" ({answer.error.code})" if answer.error.code else ""
            return f"HTTP {answer.http_status}{code}"
        case Created():
            return ""
