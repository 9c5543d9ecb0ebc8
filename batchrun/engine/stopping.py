"""Why a batch stops early, and the switch that every worker watches."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import anyio

from batchrun.engine.spending import Spending, units_text
from batchrun.engine.tally import Tally
from batchrun.engine.verdicts import NextStep, Verdict, judge_read
from batchrun.errors import ApiError, LedgerChangedError, LedgerWriteError, PlanChangedError, Problem
from batchrun.ledger.state import Outcome
from batchrun.sweep.manifest.durations import duration_text
from batchrun.wherobots.answers import Answer, Refused, Unreadable
from batchrun.wherobots.http_statuses import NO_SUCH_PATH, PAYMENT_REQUIRED, is_redirect

__all__ = [
    "CANCELLED",
    "RESUME",
    "AlikeAnswers",
    "Stop",
    "StopReason",
    "StopSwitch",
    "failures_stop",
    "file_stop",
    "ledger_stop",
    "patience_stop",
    "refusal_stop",
    "units_stop",
    "unproven_stop",
    "unusable_stop",
]

T = TypeVar("T")

ALL_ALIKE_AFTER = 20
"""This many identical rejections before any other answer, or unreadable answers in a row, mean that all that follow are alike."""
RESUME = ", then resume"
"""Ends the fix of a stop that something outside of the batch caused."""
MIN_ENDED_FOR_SHARE = 20
"""``stop_after_failures`` as a share waits for this many ended runs: a share of fewer says little."""


class StopReason(StrEnum):
    """Why no further attempts are sent."""

    UNAUTHORIZED = "unauthorized"
    """401 or 403: the service does not accept the API key."""
    ACCOUNT = "account"
    """402: the service wants something about the account settled first, such as a payment."""
    REDIRECTED = "redirected"
    """3xx: the base URL is wrong."""
    UNREACHABLE = "unreachable"
    """The service did not respond at all before anything was sent."""
    UNPROVEN_KEY = "unproven_key"
    """There is no proof that the API key belongs to the organization that earlier sessions sent runs to."""
    WRONG_PATH = "wrong_path"
    """There is no Runs API at the base URL."""
    UNREADABLE = "unreadable"
    """The responses cannot be read: something other than the service is responding."""
    FAILURES = "failures"
    """``stop_after_failures`` was reached."""
    ALL_REJECTED = "all_rejected"
    """The first responses were all the same rejection: the manifest is wrong."""
    UNITS = "units"
    """``stop_at_units`` was reached."""
    SAME_ID = "same_id"
    """The service returned the same id for two runs: its responses cannot be trusted."""
    UPLOAD = "upload"
    """A local file could not be uploaded."""
    LEDGER = "ledger"
    """The ledger can no longer be written."""
    LEDGER_CHANGED = "ledger_changed"
    """The ledger was replaced, removed or written by another process."""
    GAVE_UP = "gave_up"
    """Nothing succeeded within ``give_up_after``."""
    PLAN_CHANGED = "plan_changed"
    """The plan file was replaced or modified."""
    CANCELLED = "cancelled"
    """The calling program stopped the submission: its task was cancelled, or it raised an error."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""
    TERMINATED = "terminated"
    """SIGTERM, or SIGHUP from a terminal that was closed."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A reason, and the problem that explains it to a person."""

    reason: StopReason
    problem: Problem


CANCELLED = Stop(StopReason.CANCELLED, Problem("submit", "the submission was cancelled", "submit again to resume"))


class StopSwitch:
    """Stops a batch when pulled: attempts in flight finish, and no new ones are sent."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.stop: Stop | None = None

    @property
    def is_pulled(self) -> bool:
        return self.stop is not None

    def pull(self, stop: Stop) -> None:
        """Stop the batch. Only the first reason counts."""
        if self.stop is None:
            self.stop = stop
            self._event.set()

    async def wait_pulled(self) -> None:
        await self._event.wait()

    async def unless_pulled(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do some work, but cancel it and return None when the switch is pulled."""
        result: T | None = None
        failure: Exception | None = None

        async def watch(scope: anyio.CancelScope) -> None:
            await self.wait_pulled()
            scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, tasks.cancel_scope)
            try:
                result = await work()
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group, which would wrap it
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return result


def unusable_stop(error: ApiError, base_url: str, *, has_responded: bool) -> Stop | None:
    """Why a batch must not start, given that the first list cannot be had; None if that may change by itself."""
    if error.http_status is not None and judge_read(error).next_step is NextStep.STOP:
        return refusal_stop(Refused(error.trouble), base_url)
    fact = error.problems[0].fact
    if error.http_status in NO_SUCH_PATH:
        fix = "check the base URL: it is everything before /runs"
        return Stop(StopReason.WRONG_PATH, Problem(base_url, f"there is no Runs API here: {fact}", fix))
    if error.is_unreadable:  # an HTML page with status 200, most often from a proxy that requires a login
        proxy = "check the base URL and anything between this machine and the service, such as a proxy that requires a login"
        return Stop(StopReason.UNREADABLE, Problem(base_url, fact, error.problems[0].fix or proxy))
    if error.http_status is None and not has_responded:
        return Stop(StopReason.UNREACHABLE, Problem(base_url, fact, f"check the base URL and the network{RESUME}"))
    return None


def refusal_stop(refused: Refused, base_url: str) -> Stop:
    """Why a batch stops after a response that `judge` answers with ``NextStep.STOP``: a 3xx, 401, 402 or 403."""
    if is_redirect(refused.http_status):
        fact = f"it answers with a redirect, {refused.trouble.describe()}"
        fix = refused.trouble.suggestion or "check the base URL; redirects are not followed"
        return Stop(StopReason.REDIRECTED, Problem(base_url, fact, fix))
    if refused.http_status == PAYMENT_REQUIRED:
        fact = f"the service refuses this account, {refused.trouble.describe()}"
        fix = refused.trouble.suggestion or "check the account's plan and billing"
        return Stop(StopReason.ACCOUNT, Problem(base_url, fact, f"{fix}{RESUME}"))
    fact = f"the API key was refused, {refused.trouble.describe()}"
    return Stop(StopReason.UNAUTHORIZED, Problem(base_url, fact, f"check WHEROBOTS_API_KEY and the base URL{RESUME}"))


def ledger_stop(error: LedgerWriteError) -> Stop:
    """Why a batch stops after a failed write; a ledger that somebody else changed cannot simply be resumed."""
    is_changed = isinstance(error, LedgerChangedError)
    return Stop(StopReason.LEDGER_CHANGED if is_changed else StopReason.LEDGER, error.problems[0])


def unproven_stop(ledger: Path) -> Stop:
    """Why a batch stops whose runs may be another organization's: those sent now would be scattered over two."""
    fact = "no run of the batch proves that this API key belongs to the organization that its runs were sent to"
    fix = f"use the key of the earlier sessions, or decide about the unknown runs with batchrun resolve {ledger}"
    return Stop(StopReason.UNPROVEN_KEY, Problem(str(ledger), fact, fix))


def file_stop(error: LedgerWriteError | PlanChangedError) -> Stop:
    """Why a batch stops when its ledger or its plan file can no longer be used."""
    if isinstance(error, PlanChangedError):
        return Stop(StopReason.PLAN_CHANGED, error.problems[0])
    return ledger_stop(error)


def failures_stop(tally: Tally, bound: float | None) -> Stop | None:
    """The stop for ``stop_after_failures``, once too many runs ended badly; ``bound`` below 1 is a share."""
    if bound is None or not _is_too_many(bad := tally.ended_badly, bound, tally):
        return None
    shown = f"{bound:g}" if bound >= 1 else f"{bound:.0%}"
    fact = f"{bad:,} runs failed or were rejected; stop_after_failures is {shown}"
    fix = "inspect them with batchrun status --failed, then resume with --retry rejected,failed"
    return Stop(StopReason.FAILURES, Problem("submit", fact, fix))


def units_stop(spending: Spending, body: bytes) -> Stop:
    """The stop for ``stop_at_units``: the next run, of this payload, might pass it."""
    total, most = spending.total, spending.most(body)
    parts = [f"{units_text(total.billed)} billed"] if total.billed else []
    if total.open:
        runs = "1 run that has" if total.open == 1 else f"{total.open:,} runs that have"
        parts.append(f"up to {units_text(total.reserved)} for {runs} not ended or been billed")
    used = " and ".join(parts) or "0"
    fact = f"{used}; the next run may use {units_text(most)}; stop_at_units is {units_text(spending.limit)}"
    fix = "resume when runs have ended and are billed, or with a higher --stop-at-units"
    return Stop(StopReason.UNITS, Problem("submit.stop_at_units", fact, fix))


def patience_stop(base_url: str, after_s: float, last_failure: str) -> Stop:
    """The stop for ``give_up_after``: nothing succeeded for so long."""
    last = f"; the last error: {last_failure}" if last_failure else ""
    fact = f"no run was created for {duration_text(after_s)}{last}"
    return Stop(StopReason.GAVE_UP, Problem(base_url, fact, "resume when the service is available again"))


def _is_too_many(bad: int, bound: float, tally: Tally) -> bool:
    if bound >= 1:
        return bad >= bound
    ended = bad + tally.outcomes[Outcome.SUBMITTED]
    # A plan of fewer runs than that would never stop: there, the share is taken once all have ended.
    return ended >= min(MIN_ENDED_FOR_SHARE, tally.planned) and bad > 0 and bad >= bound * ended


class AlikeAnswers:
    """Watches for answers that make the rest pointless: identical rejections at the start, unreadable ones at any time."""

    def __init__(self) -> None:
        self._seen = 0
        self._alike = 0
        self._kind: Hashable = None

    def see(self, answer: Answer, verdict: Verdict) -> Stop | None:
        """The stop, when this answer is one too many of the same."""
        kind = _kind_of(answer, verdict)
        self._alike = 0 if kind is None else self._alike + 1 if kind == self._kind else 1
        self._kind = kind
        self._seen += 1
        # Rejections count only from the start: in mid-batch, twenty bad points in a row prove nothing about the rest.
        is_first = self._seen == self._alike
        # Equal, and not more: attempts under way bring further ones, and one stop is enough.
        if self._alike != ALL_ALIKE_AFTER or not (is_first or isinstance(answer, Unreadable)):
            return None
        return _all_alike(answer, is_first=is_first)


def _kind_of(answer: Answer, verdict: Verdict) -> Hashable:
    """What makes answers alike; None for one that shows that not all is lost."""
    if isinstance(answer, Unreadable):
        return "unreadable", answer.http_status
    if isinstance(answer, Refused) and verdict.next_step is NextStep.REJECT:
        return answer.trouble.status, answer.trouble.code, answer.trouble.field
    return None


def _all_alike(answer: Answer, *, is_first: bool) -> Stop | None:
    match answer:
        case Refused(trouble):
            fact = f"the first {ALL_ALIKE_AFTER} responses were all the same rejection, {trouble.describe()}"
            problem = Problem(trouble.field or "submit", fact, trouble.suggestion or "fix the manifest")
            return Stop(StopReason.ALL_REJECTED, problem)
        case Unreadable(status, reason):
            which = "first" if is_first else "last"
            fact = f"none of the {which} {ALL_ALIKE_AFTER} responses can be read; HTTP {status}, {reason}"
            fix = "check the base URL and anything between this machine and the service; then resume to find what was created"
            return Stop(StopReason.UNREADABLE, Problem("submit", fact, fix))
        case _:
            return None
