"""A followed run, and the change when the service reports something new about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import StatusEvent
from batchrun.ledger.statuses import GONE, has_ended
from batchrun.wherobots.summaries import AppSummary, RunSummary

__all__ = ["Change", "Followed", "change_of", "gone_change", "new_run", "runtime_of"]

_FAILURE_WORDS = ("FAIL", "ERROR", "TIMEOUT", "TIMED_OUT")
"""Codes of events that explain a failure contain one of these; the list of codes is not public."""


class Followed(msgspec.Struct, kw_only=True):
    """A run that has not ended, as far as is known. Times named ``_s`` are monotonic, except ``created_s``."""

    key: str
    name: str
    run_id: str
    status: str | None
    created_s: float | None
    """Epoch seconds by the service's clock: when it was created, or a time before which it was not."""
    started_s: float | None = None
    """Epoch seconds by the service's clock: when its work began; None while it waits."""
    runtime: str | None = None
    """None until the service reports it."""
    app_id: str | None = None
    """Of the application that executes it, by which it is billed; None while it waits, and where it is not shown."""
    due_s: float = 0.0
    """When a run that lists do not show is asked for by id."""
    misses: int = 0
    """Times in a row that the service said it does not know the run."""
    missed_s: float = 0.0
    """When it first said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A status change of a followed run. Times are as the service wrote them."""

    key: str
    name: str
    run_id: str
    status: str
    """The service's status, or ``gone`` if it no longer knows the run."""
    before: str | None
    """The previously known status; None if there was none."""
    create_time: str | None = None
    start_time: str | None = None
    complete_time: str | None = None
    kube_app_id: str | None = None
    code: str | None = None
    """Why it ended badly, if the service says."""
    message: str | None = None
    runtime: str | None = None

    @property
    def is_final(self) -> bool:
        return has_ended(self.status)

    @property
    def lasted_s(self) -> float | None:
        """Seconds from creation to the end of the run."""
        return _seconds_between(self.create_time, self.complete_time)

    @property
    def ran_s(self) -> float | None:
        """Seconds from the start of the run to its end."""
        return _seconds_between(self.start_time, self.complete_time)

    def event(self, at: str) -> StatusEvent:
        """The event that records it."""
        return StatusEvent(
            at=at,
            key=self.key,
            run_id=self.run_id,
            status=self.status,
            create_time=self.create_time,
            start_time=self.start_time,
            complete_time=self.complete_time,
            kube_app_id=self.kube_app_id,
            code=self.code,
            message=self.message,
        )

    def json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def new_run(key: str, name: str, run_id: str, status: str | None) -> Followed:
    """A run that was created just now; when, by the service's clock, is learned when it is seen."""
    return Followed(key=key, name=name, run_id=run_id, status=status, created_s=None)


def change_of(run: Followed, seen: RunSummary, app_of: Callable[[RunSummary], AppSummary | None]) -> Change | None:
    """What is new about a run; None if nothing is."""
    if seen.status is None or seen.status == run.status:
        return None
    app = app_of(seen)
    # A run that completed may have events of failures that it recovered from.
    code, message = _reason(app) if has_ended(seen.status) and seen.status != "COMPLETED" else (None, None)
    return Change(
        key=run.key,
        name=run.name,
        run_id=run.run_id,
        status=seen.status,
        before=run.status,
        create_time=seen.create_time,
        start_time=seen.start_time,
        complete_time=seen.complete_time,
        kube_app_id=app.id if app is not None else None,
        code=code,
        message=message,
        runtime=run.runtime,
    )


def gone_change(run: Followed) -> Change:
    """The service no longer knows the run."""
    return Change(key=run.key, name=run.name, run_id=run.run_id, status=GONE, before=run.status)


def _reason(app: AppSummary | None) -> tuple[str | None, str | None]:
    """The code and the message that explain a failure best: of the latest failure event, else the application's own."""
    if app is None:
        return None, None
    events = sorted(app.events, key=lambda event: event.create_time or "")
    failures = [event for event in events if any(word in (event.code or "").upper() for word in _FAILURE_WORDS)]
    last = failures[-1] if failures else None
    message = (last.message if last is not None else None) or app.message
    return (last.code if last is not None else None), message or None


def runtime_of(seen: RunSummary) -> str | None:
    """The runtime of a run, as its payload says."""
    runtime = (seen.payload or {}).get("runtime")
    return runtime if isinstance(runtime, str) else None


def _seconds_between(begin: str | None, end: str | None) -> float | None:
    begin_s, end_s = epoch_seconds(begin or ""), epoch_seconds(end or "")
    return max(0.0, end_s - begin_s) if begin_s and end_s else None
