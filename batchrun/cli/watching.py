"""Follow a batch's runs from the command line: shared by ``watch`` and ``submit --watch``."""

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from batchrun.cli.exits import ExitStatus
from batchrun.cli.interrupts import run_interruptible
from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output
from batchrun.cli.service import open_service
from batchrun.cli.text import numbered
from batchrun.cli.views.failures import failure_table
from batchrun.cli.views.tables import status_table
from batchrun.cli.views.watch import UNCREATED, WatchSnapshot
from batchrun.cli.watch_views import WatchView, watch_view
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.errors import BatchrunError, Problem
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.state import BatchState, Outcome
from batchrun.report.failures import FailureGroup, failure_groups
from batchrun.report.rows import read_rows
from batchrun.report.run_label import group_of, label_of
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.enums import RunStatus
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["Until", "WatchRequest", "Watched", "ended_before", "follow_batch", "run_watch", "show_watched"]

SNAPSHOT_EVERY_S = 0.25
RATE_OVER_S = 300.0
"""The finish rate covers the last five minutes: long enough for runs that take minutes."""
MIN_FINISHED = 2
"""Of one run, a rate would say nothing."""
CONNECTIONS = 2
LEFT_ALONE = "stopped watching; the runs continue"


class Until(StrEnum):
    """When a watch ends by itself."""

    ALL = "all"
    FIRST_FAILURE = "first-failure"


class WatchEnd(StrEnum):
    """Why a watch ended. The values appear in JSON output."""

    ALL_ENDED = "all_ended"
    FIRST_FAILURE = "first_failure"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """What to watch, where, and for how long."""

    name: str
    """The batch's name."""
    ledger: Path
    service: str
    """The service's name in the ledger."""
    until: Until = Until.ALL
    timeout_s: float | None = None
    read_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a watch ended."""

    last: WatchSnapshot
    end: WatchEnd
    failures: tuple[FailureGroup, ...]

    @property
    def status(self) -> ExitStatus:
        """The exit status of a command that only watched."""
        match self.end:
            case WatchEnd.TIMEOUT:
                return ExitStatus.STOPPED
            case WatchEnd.INTERRUPTED:
                return ExitStatus.INTERRUPTED
            case WatchEnd.TERMINATED:
                return ExitStatus.TERMINATED
            case _:
                return ExitStatus.DONE if set(self.counts) == {RunStatus.COMPLETED.value} else ExitStatus.INCOMPLETE

    @property
    def is_whole(self) -> bool:
        """Whether every created run was followed to its end."""
        return self.end is WatchEnd.ALL_ENDED

    @property
    def counts(self) -> dict[str, int]:
        """Every run by its label."""
        created = {status: count for status, count in self.last.statuses.items() if count}
        return created | {label_of(outcome, None): count for outcome, count in self.last.uncreated.items()}

    def json(self) -> dict[str, Any]:
        return {
            "reason": self.end.value,
            "counts": self.counts,
            "active": self.last.active,
            "unrecorded": self.last.unrecorded,
            "failures": [group.json() for group in self.failures],
        }


def run_watch(request: WatchRequest, output: Output) -> ExitStatus:
    """Follow a batch's runs until all have ended, or until something else ends the watch.

    Raises:
        ApiError: the service refuses a call that following needs.
        LedgerError: the ledger cannot be used, or belongs to another service.

    """
    with open_service(request.service, os.environ, ledger=request.ledger, timeout_s=None) as api:
        watched = follow_batch(request, api, output, watch_view(output, request.name, as_lines=True))
    show_watched(request, watched, output)
    output.json_line({"event": "end", **watched.json(), "exit_status": int(watched.status)})
    return watched.status


def follow_batch(request: WatchRequest, api: ApiSettings, output: Output, view: WatchView) -> Watched:
    """Follow a batch's runs at a service that is open.

    Raises:
        ApiError: the service refuses a call that following needs.
        LedgerError: the ledger cannot be used, or belongs to another service.

    """
    with view:
        watch = _Watch(request, view)
        end = anyio.run(watch.run, api, output, backend_options=loop_options())
    failures = failure_groups(read_rows(request.ledger).rows)
    return Watched(last=watch.snapshot(), end=end, failures=failures)


def show_watched(request: WatchRequest, watched: Watched, output: Output) -> None:
    """What became of the runs. On a terminal, the last picture has the counts."""
    for problem in _problems(request, watched):
        output.warn(problem)
    if not output.is_terminal or output.quiet:
        output.table(status_table(request.name, watched.counts, watched.last.planned))
    if watched.failures:
        output.table(failure_table(watched.failures))


def _problems(request: WatchRequest, watched: Watched) -> Iterator[Problem]:
    ledger, last = str(request.ledger), watched.last
    to_create = sum(last.uncreated.get(outcome, 0) for outcome in (Outcome.PENDING, Outcome.UNKNOWN))
    create = f"create them with batchrun resume {ledger}"
    fix = "the process that is writing the ledger will create them" if last.is_written else create
    if not last.statuses:
        yield Problem(ledger, "no run of this batch has been created yet, so there is nothing to watch", fix)
    elif to_create:
        yield Problem(ledger, f"{numbered(to_create, 'planned run')} not created yet", fix)
    if watched.end is WatchEnd.TIMEOUT:
        fact = f"timed out with {numbered(last.active, 'run')} still active"
        yield Problem("--timeout", fact, f"the runs continue; follow them with batchrun watch {ledger}")
    if last.unrecorded:
        fact = f"{numbered(last.unrecorded, 'change')} not recorded, because another process is writing the ledger"
        yield Problem(ledger, fact, "the next batchrun watch will record them")


class _Watch:
    """One watch: a follower, a view of it, and what ends it."""

    def __init__(self, request: WatchRequest, view: WatchView) -> None:
        self._request = request
        self._view = view
        self._finished: deque[float] = deque()
        self._began_s = time.monotonic()
        self._began_at_s = time.time()
        self._has_failed = False
        self.follower: BatchFollower

    async def run(self, api: ApiSettings, output: Output) -> WatchEnd:
        """Watch until it ends."""
        pacer = Pacer(rate=None, read_rate=self._request.read_rate)
        async with RunsClient(api, open_transport(api, connections=CONNECTIONS)) as client:
            client.on_refused = pacer.read_refused
            self.follower = await BatchFollower.open(
                self._request.ledger,
                client,
                wait_for_read=pacer.wait_for_read,
                on_change=self._change,
                on_note=self._view.note,
            )
            # A failure that the ledger has already counts: nothing reports it again.
            self._has_failed = any(map(_ended_badly, self.follower.statuses))
            return await run_interruptible(
                self._follow, output.urge, self._view.leave, when_pulled=LEFT_ALONE, when_killed=LEFT_ALONE
            )

    async def _follow(self, switch: StopSwitch) -> WatchEnd:
        end: WatchEnd | None = None
        failure: BatchrunError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_showing)
            try:
                with anyio.move_on_after(self._request.timeout_s) as scope:
                    await switch.unless_pulled(partial(self.follower.run, self._is_over))
                end = WatchEnd.TIMEOUT if scope.cancelled_caught else None
            except BatchrunError as error:  # raised outside of the group, which would wrap it
                failure = error
            tasks.cancel_scope.cancel()
        self._view.show(self.snapshot())
        if failure is not None:
            raise failure
        if switch.stop is not None:
            return WatchEnd.TERMINATED if switch.stop.reason is StopReason.TERMINATED else WatchEnd.INTERRUPTED
        return end or (WatchEnd.FIRST_FAILURE if self._is_over() else WatchEnd.ALL_ENDED)

    def _is_over(self) -> bool:
        return self._has_failed and self._request.until is Until.FIRST_FAILURE

    async def _keep_showing(self) -> None:
        while True:
            self._view.show(self.snapshot())
            await anyio.sleep(SNAPSHOT_EVERY_S)

    def _change(self, change: Change) -> None:
        self._view.change(change)
        if change.is_final:
            if not ended_before(change, self._began_at_s):
                self._finished.append(time.monotonic())
            self._has_failed |= _ended_badly(change.status)

    def snapshot(self) -> WatchSnapshot:
        """The batch now."""
        follower = self.follower
        return WatchSnapshot(
            name=self._request.name,
            planned=follower.state.planned,
            # A copy: the display is drawn in a thread of its own.
            statuses=dict(follower.statuses),
            uncreated=uncreated(follower.state),
            active=follower.active,
            finished_per_s=self._finished_per_s(),
            left_s=follower.left_s(),
            unrecorded=follower.unrecorded,
            is_written=follower.is_written,
        )

    def _finished_per_s(self) -> float | None:
        now_s = time.monotonic()
        while self._finished and self._finished[0] < now_s - RATE_OVER_S:
            self._finished.popleft()
        # Over the time that there was, so that a watch of a minute does not divide by five.
        over_s = min(now_s - self._began_s, RATE_OVER_S)
        return len(self._finished) / over_s if len(self._finished) >= MIN_FINISHED and over_s > 0 else None


def uncreated(state: BatchState) -> dict[Outcome, int]:
    """Planned runs that are not created, by outcome."""
    return {outcome: state.count(outcome) for outcome in UNCREATED if state.count(outcome)}


def ended_before(change: Change, at_s: float) -> bool:
    """Whether a run had ended by then: the first look finds all of these at once, which is not a rate."""
    return 0 < epoch_seconds(change.complete_time or "") < at_s


def _ended_badly(status: str | None) -> bool:
    return group_of(Outcome.SUBMITTED, status).has_ended_badly
