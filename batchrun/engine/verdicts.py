"""Judge a response: map what came back to what happens next. Pure; the table is the policy.

Rows are tried from the top, and the first that fits decides. The status counts before the code, since a response may carry
a code that does not fit its status; the exceptions are the rows about codes themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from batchrun.errors import ApiError
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from batchrun.wherobots.http_statuses import (
    CALL_REFUSED,
    CONFLICT,
    KEY_REFUSED,
    PASSING,
    PAYMENT_REQUIRED,
    QUOTA_CODE,
    RATE_CODE,
    TIMEOUT_CODE,
    is_redirect,
)

__all__ = ["NextStep", "Pressure", "Verdict", "is_call_refused", "judge", "judge_read"]


class NextStep(Enum):
    """What to do with the run."""

    SUBMITTED = auto()
    """It exists."""
    SETTLE = auto()
    """It may exist: look, and only then try again."""
    SETTLE_ONLY = auto()
    """It exists, its id is not known: look, and never try again."""
    RETRY = auto()
    """It does not exist; try again later."""
    REJECT = auto()
    """It does not exist, and will not as it is."""
    STOP = auto()
    """It does not exist, and continuing the batch is pointless."""


class Pressure(Enum):
    """What the answer says about the service, for pacing."""

    NONE = auto()
    RATE = auto()
    """Too many requests a second."""
    QUOTA = auto()
    """Too many runs at once."""
    SICK = auto()
    """The service is unhealthy; feeds the retry budget, never the rate."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an answer. ``is_counted``: the attempt counts in ``max_attempts``."""

    next_step: NextStep
    pressure: Pressure = Pressure.NONE
    is_counted: bool = False
    wait_s: float | None = None
    """What the service asked for in ``Retry-After``."""


SUBMITTED = Verdict(NextStep.SUBMITTED)
SETTLE = Verdict(NextStep.SETTLE, Pressure.SICK, is_counted=True)
SETTLE_ONLY = Verdict(NextStep.SETTLE_ONLY)
REJECT = Verdict(NextStep.REJECT)
STOP = Verdict(NextStep.STOP)
SLOW_DOWN = Verdict(NextStep.RETRY, Pressure.RATE)
BUSY = Verdict(NextStep.SETTLE, Pressure.RATE, is_counted=True)
FULL = Verdict(NextStep.RETRY, Pressure.QUOTA)
AGAIN = Verdict(NextStep.RETRY, is_counted=True)
UNSENT = Verdict(NextStep.RETRY, Pressure.SICK)

Row = tuple[Callable[[Refused], bool], Verdict]


def _status(*codes: int) -> Callable[[Refused], bool]:
    return lambda refused: refused.http_status in codes


def _family(hundreds: int) -> Callable[[Refused], bool]:
    return lambda refused: refused.http_status // 100 == hundreds


def _client_error_with(code: str) -> Callable[[Refused], bool]:
    return lambda refused: refused.http_status // 100 == 4 and refused.trouble.code == code  # noqa: PLR2004 - 4xx


def _has_code(code: str) -> Callable[[Refused], bool]:
    return lambda refused: refused.trouble.code == code


def _is_polite_503(refused: Refused) -> bool:
    return refused.http_status == 503 and refused.retry_after_s is not None and refused.has_error_body  # noqa: PLR2004 - HTTP status


REFUSALS: tuple[Row, ...] = (
    (lambda refused: is_redirect(refused.http_status), STOP),
    # Whatever its status, the service gave up waiting for its own work, which may still be done.
    (_has_code(TIMEOUT_CODE), SETTLE),
    # Codes of a 4xx only: a 5xx that carries one may have created the run. Before 403, which quotas arrive with, too.
    (_client_error_with(QUOTA_CODE), FULL),
    (_client_error_with(RATE_CODE), SLOW_DOWN),
    (_status(*PASSING), SLOW_DOWN),
    (_status(PAYMENT_REQUIRED, *KEY_REFUSED), STOP),
    (_status(CONFLICT), AGAIN),
    (_family(4), REJECT),
    (_is_polite_503, BUSY),
    (lambda _: True, SETTLE),
)
"""A 4xx means that nothing was created. A 5xx, and any status that HTTP does not define, say nothing about what was created;
a 503 that the API itself wrote and that names a time is paced like a 429."""


def judge(answer: Answer, *, may_exist: bool) -> Verdict:
    """What follows from an answer; ``may_exist``: an earlier attempt of this run may have created it."""
    match answer:
        case Created():
            return SUBMITTED
        case Unreadable():
            return SETTLE_ONLY
        case Lost(sent=False):
            return UNSENT
        case Lost():
            return SETTLE
        case Refused():
            return _judge_refusal(answer, may_exist=may_exist)


def _judge_refusal(refused: Refused, *, may_exist: bool) -> Verdict:
    verdict = next(verdict for fits, verdict in REFUSALS if fits(refused))
    if verdict is AGAIN and may_exist:
        # The conflict may be with our own earlier attempt.
        return SETTLE
    if verdict.next_step is NextStep.RETRY or verdict is BUSY:
        return replace(verdict, wait_s=refused.retry_after_s)
    return verdict


def judge_read(error: ApiError) -> Verdict:
    """The same table for a read request that failed: whether to stop, to slow down, or to try again.

    A read request creates nothing, so ``SETTLE`` means no more than that it may be repeated.
    """
    if error.http_status is None:
        return UNSENT
    return _judge_refusal(Refused(error.trouble, error.retry_after_s), may_exist=False)


def is_call_refused(error: ApiError) -> bool:
    """Whether a service does not offer a call, or not to this key, while others may still work.

    Only creating runs is officially public. Whoever depends on another call says what cannot be done without it.
    """
    return error.http_status in CALL_REFUSED
