"""Followed runs and what a service says of them, as tests need them."""

from typing import Any

from batchrun.ledger.clock import timestamp
from batchrun.tracking.changes import Followed
from batchrun.tracking.poller import Poller
from batchrun.wherobots.summaries import AppEvent, AppSummary, RunSummary

__all__ = ["CREATED_S", "app_of", "followed", "poller", "seen"]

CREATED_S = 1_700_000_000.0


def followed(number: int, *, created_s: float | None = None, **values: Any) -> Followed:
    """Run ``number``; it was created that many seconds after the first."""
    at = CREATED_S + number if created_s is None else created_s
    defaults = {"key": f"key-{number}", "name": f"tile-{number}", "run_id": f"id-{number}", "status": "PENDING"}
    return Followed(**{**defaults, "created_s": at, **values})


def seen(number: int, status: str | None, *, ran_s: float | None = None, runtime: str | None = None) -> RunSummary:
    """What the service says of run ``number``; with ``ran_s``, it started 10 s after its creation and ended so much later."""
    created_s = CREATED_S + number
    return RunSummary(
        id=f"id-{number}",
        name=f"tile-{number}",
        status=status,
        create_time=timestamp(created_s),
        start_time=timestamp(created_s + 10) if status != "PENDING" else None,
        complete_time=timestamp(created_s + 10 + ran_s) if ran_s is not None else None,
        payload={"runtime": runtime} if runtime is not None else None,
    )


def app_of(run: RunSummary) -> AppSummary | None:
    """An application with one failure event."""
    failure = AppEvent(code="RUN_FAIL_EXEC", message="exit 1", create_time=run.complete_time)
    return AppSummary(id=f"app-{run.id}", message="latest trace", events=[AppEvent(code="RUN_START_EXEC"), failure])


def poller(*numbers: int, now_s: float = 0.0) -> Poller:
    """A poller that follows these runs since ``now_s``."""
    made = Poller(now_s, app_of)
    for number in numbers:
        made.add(followed(number), now_s)
    return made
