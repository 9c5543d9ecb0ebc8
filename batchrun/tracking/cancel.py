"""Cancelling runs, by the ids that the ledger holds and nothing else: a name is only a guess at whose run it is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from batchrun.errors import ApiError, LedgerWriteError, Problem, first_of
from batchrun.ledger.events import CancelEvent
from batchrun.ledger.file import FileLedger
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.wherobots.client import RunsClient

__all__ = ["Cancellation", "Target", "cancel_runs"]

CONCURRENCY = 8
ENDED = frozenset({400, 404, 409})
"""What a service may answer to cancelling a run that has ended, or that it no longer knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A run to cancel."""

    key: str
    run_id: str
    name: str


@dataclass(slots=True)
class Cancellation:
    """What came of it; every target is in one of these."""

    requested: list[Target] = field(default_factory=list)
    """The service accepted the request; the run ends within a minute or so."""
    had_ended: list[Target] = field(default_factory=list)
    """The service says that there is nothing left to cancel."""
    problems: list[Problem] = field(default_factory=list)
    """Runs that could not be cancelled, one problem each."""

    @property
    def done(self) -> int:
        return len(self.requested) + len(self.had_ended) + len(self.problems)


async def cancel_runs(
    ledger: FileLedger,
    client: RunsClient,
    targets: Sequence[Target],
    *,
    reader: Reader,
    on_progress: Callable[[Cancellation], object] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Cancellation:
    """Ask the service to cancel runs, several at a time. Safe to repeat: cancelling a run twice does no harm.

    Each ``cancel`` event is durable before its call leaves. A failure ends nothing but its own run's call.

    Raises:
        LedgerWriteError: a request could not be recorded; nothing more was sent.

    """
    result, limiter = Cancellation(), anyio.CapacityLimiter(CONCURRENCY)

    async def cancel(target: Target) -> None:
        async with limiter:
            if is_stopped():
                return
            await ledger.record_durably(CancelEvent(at=ledger.clock.stamp(), key=target.key, run_id=target.run_id))
            await _cancel(target, partial(client.cancel, target.run_id), reader, result)
            on_progress(result)

    failure: LedgerWriteError | None = None
    try:
        async with anyio.create_task_group() as tasks:
            for target in targets:
                tasks.start_soon(cancel, target)
    except* LedgerWriteError as group:
        failure = first_of(group)
    if failure is not None:
        raise failure
    return result


async def _cancel(target: Target, call: Callable[[], Awaitable[None]], reader: Reader, result: Cancellation) -> None:
    try:
        await reader.read(call)
    except CallRefusedError as refused:
        if refused.error.http_status in ENDED:
            result.had_ended.append(target)
        else:
            result.problems.append(_problem(target, refused.error))
    except ApiError as error:
        result.problems.append(_problem(target, error))
    else:
        result.requested.append(target)


def _problem(target: Target, error: ApiError) -> Problem:
    problem = error.problems[0]
    return Problem(target.name, f"not cancelled: {problem.fact}", problem.fix or "try again")
