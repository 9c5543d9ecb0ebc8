"""The events that end an attempt, built from the run and the answer."""

import msgspec

from batchrun.engine.sending.backlog import Work
from batchrun.errors import NO_TROUBLE, Trouble
from batchrun.ledger.events import FailedEvent, RefusedEvent, RejectedEvent, SubmittedEvent, UnknownEvent
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable

__all__ = ["end_event", "failure_words", "reason_of", "refused_event", "submitted_event", "trouble_of", "unknown_event"]


def submitted_event(
    at: str, work: Work, *, run_id: str, status: str | None, duplicates: list[str] | None = None
) -> SubmittedEvent:
    """The run exists; ``duplicates`` is given if settling found it, however few they are."""
    return SubmittedEvent(
        at=at,
        key=work.key,
        n=work.n,
        run_id=run_id,
        name=work.name,
        status=status,
        point=_point(work),
        via="response" if duplicates is None else "settled",
        duplicates=duplicates or [],
        generation=work.generation,
        creation_lag_s=round(work.creation_lag_s, 3) if work.creation_lag_s else None,
    )


def refused_event(at: str, work: Work, answer: Answer, retry_in: float | None) -> RefusedEvent:
    """The attempt created no run."""
    trouble = trouble_of(answer)
    return RefusedEvent(
        at=at,
        key=work.key,
        n=work.n,
        status=trouble.status,
        # Without a status there was no answer, and only what was proven unsent is refused: else it would be unknown.
        code=trouble.code or ("UNSENT" if trouble.status is None else None),
        retry_in=None if retry_in is None else round(retry_in, 3),
    )


def unknown_event(at: str, work: Work, reason: str) -> UnknownEvent:
    """The attempt may have created the run."""
    name = "" if work.n else work.name  # its attempts have it
    return UnknownEvent(at=at, key=work.key, n=work.n, name=name, reason=reason, created=work.exists_without_id)


def end_event(
    kind: type[RejectedEvent | FailedEvent], at: str, work: Work, trouble: Trouble
) -> RejectedEvent | FailedEvent:
    """The run was not created, and why."""
    return kind(
        at=at,
        key=work.key,
        n=work.n,
        name=work.name,
        point=_point(work),
        status=trouble.status,
        code=trouble.code,
        message=trouble.message,
        field=trouble.field,
        suggestion=trouble.suggestion,
    )


def trouble_of(answer: Answer) -> Trouble:
    """What the service reported, or what happened instead of a response."""
    match answer:
        case Refused():
            return answer.trouble
        case Lost():
            return Trouble(message=answer.reason)
        case _:
            return NO_TROUBLE


def reason_of(answer: Answer) -> str:
    """Why the outcome of an attempt is unknown."""
    match answer:
        case Lost() | Unreadable():
            return answer.reason
        case Refused():
            code = f" ({answer.trouble.code})" if answer.trouble.code else ""
            return f"HTTP {answer.http_status}{code}"
        case Created():
            return ""


def failure_words(answer: Answer) -> str:
    """What went wrong with an attempt, to explain why nothing is happening; empty if nothing did."""
    match answer:
        case Created():
            return ""
        case Lost(sent=False):
            return f"service not reachable: {answer.reason}"
        case Lost():
            return f"responses are lost: {answer.reason}"
        case Unreadable():
            return f"responses cannot be read: {answer.reason}"
        case Refused():
            return answer.trouble.describe()


def _point(work: Work) -> msgspec.Raw:
    return msgspec.Raw(work.planned.point_json if work.planned is not None else b"{}")
