"""Cancel runs, only by ids from the ledger: a name alone does not prove whose run it is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from batchrun.errors import ApiError, LedgerWriteError, Problem, first_of
from batchrun.ledger.events import CancelEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.wherobots.client import RunsClient

__all__ = ["Cancellation", "Target", "cancel_runs"]

CONCURRENCY = 8
"""Requests in flight: with responses in 100 ms, enough for 80 a second, more than the read rate allows."""
ENDED = frozenset({400, 409})
"""What a service may answer to cancelling a run that has ended."""
NOT_FOUND = 404
"""No such run, or no such call: the run itself shows which."""
UnlessStopped = Callable[[Callable[[], Awaitable[bool]]], Awaitable[bool | None]]
"""Does some work, but gives it up and returns None when the command is stopped."""


async def _always(work: Callable[[], Awaitable[bool]]) -> bool | None:
    return await work()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A run to cancel."""

    key: str
    run_id: str
    name: str


@dataclass(slots=True)
class Cancellation:
    """The result of cancelling runs. Every run to be cancelled is in exactly one of the first four fields."""

    requested: list[Target] = field(default_factory=list)
    """The service accepted the request; the run ends within a minute or so."""
    had_ended: list[Target] = field(default_factory=list)
    """The run had already ended, according to the service."""
    problems: list[Problem] = field(default_factory=list)
    """Runs that could not be cancelled, one problem each."""
    not_asked: list[Target] = field(default_factory=list)
    """Not requested, because the service refuses the call itself, or because the command was stopped."""
    dropped: list[str] = field(default_factory=list)
    """Names of planned runs that were dropped before they were sent."""

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
    unless_stopped: UnlessStopped = _always,
) -> Cancellation:
    """Ask the service to cancel runs, several at a time. Safe to repeat: cancelling a run twice does no harm.

    Each ``cancel`` event is durable before its call leaves. A failure ends nothing but its own run's call, unless the
    service refuses the call itself: then the others are left alone.

    Raises:
        LedgerWriteError: a request could not be recorded; nothing more was sent.

    """
    result, limiter, canceller = Cancellation(), anyio.CapacityLimiter(CONCURRENCY), _Canceller(client, reader)

    async def cancel(target: Target) -> None:
        async with limiter:
            if is_stopped() or canceller.is_refused:
                result.not_asked.append(target)
                return
            # Durable before the call: even if its answer is lost, the ledger says that the run was ended on purpose.
            await ledger.record_durably(CancelEvent(at=ledger.clock.stamp(), key=target.key, run_id=target.run_id))
            if not await unless_stopped(partial(canceller.cancel, target, result)):
                result.problems.append(
                    Problem(target.name, "no response before the command was stopped", "cancel it again")
                )
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


class _Canceller:
    """Makes the calls, and notices that the service does not take them."""

    def __init__(self, client: RunsClient, reader: Reader) -> None:
        self._client = client
        self._reader = reader
        self.is_refused = False

    async def cancel(self, target: Target, result: Cancellation) -> bool:
        """Make the call, and record its result; True once that is done."""
        try:
            await self._reader.read(partial(self._client.cancel, target.run_id))
        except CallRefusedError as refused:
            await self._refused(target, refused.error, result)
        except ApiError as error:
            result.problems.append(_problem(target, error))
        else:
            result.requested.append(target)
        return True

    async def _refused(self, target: Target, error: ApiError, result: Cancellation) -> None:
        status = error.http_status
        if status in ENDED or (status == NOT_FOUND and await self._has_ended(target)):
            result.had_ended.append(target)
            return
        result.problems.append(_problem(target, error, "use a key that may cancel runs, or cancel them in the console"))
        # One that was accepted shows that the call is offered: then this refusal is about this run.
        self.is_refused = self.is_refused or not result.requested

    async def _has_ended(self, target: Target) -> bool:
        """Whether a run that cannot be found for cancelling is over; one that still runs shows that the call is missing."""
        try:
            seen = await self._reader.read(partial(self._client.find, target.run_id), may_miss=True)
        except (ApiError, CallRefusedError):
            return False
        return seen is None or has_ended(seen.status)


def _problem(target: Target, error: ApiError, fix: str = "try again") -> Problem:
    """Without the run's id, so that one sentence serves for all runs that are refused alike."""
    problem = error.problems[0]
    return Problem(target.name, f"not cancelled: POST /runs/{{id}}/cancel: {problem.fact}", problem.fix or fix)
