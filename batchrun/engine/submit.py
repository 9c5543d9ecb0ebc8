"""One batch from open to closed: the public ``submit``."""

import os
import socket
import time
from dataclasses import dataclass
from importlib.metadata import version

import anyio

from batchrun.engine.active_runs import ActiveRuns
from batchrun.engine.attempt import Attempts, stop_for
from batchrun.engine.backlog import Backlog
from batchrun.engine.monitor import Monitor
from batchrun.engine.pacing.limit_search import Learned
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import NO_OBSERVER, Observer, Progress
from batchrun.engine.resume import new_batch, unknown_work, unsent_work
from batchrun.engine.session import Session
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.settle import Settler
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.engine.tally import Tally
from batchrun.engine.workers import run_workers
from batchrun.errors import ApiError, LedgerWriteError, Problem
from batchrun.ledger.events import SessionEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.sweep.plan import Plan
from batchrun.wherobots.answers import Refused
from batchrun.wherobots.client import RunsClient

__all__ = ["Submission", "submit"]

PROGRESS_EVERY_S = 0.1
REACH_ATTEMPTS = 3
REACH_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """How a session ended."""

    progress: Progress
    """The batch at the end; its outcomes add up to what was planned."""
    stop: Stop | None
    """Why it stopped early; None when there was nothing left to do."""
    notes: tuple[Problem, ...]
    """What a person should know: duplicates, and runs that stay unknown."""


async def submit(
    plan: Plan,
    ledger: FileLedger,
    client: RunsClient,
    *,
    settings: SubmitSettings,
    observer: Observer = NO_OBSERVER,
    switch: StopSwitch | None = None,
    retry: frozenset[Outcome] = frozenset(),
    base_url: str | None = None,
) -> Submission:
    """Create every run of the plan that the ledger does not know as created, each once.

    Begins the ledger when it is new and goes on where it stopped otherwise. Neither the ledger nor the client is closed.
    ``retry`` names outcomes (rejected, failed) to try again; ``switch`` lets the caller stop the batch. ``base_url`` is
    what the ledger calls the service, where that is not the client's own.

    Raises:
        LedgerWriteError: the ledger could not even be begun; nothing was sent.

    """
    switch = switch or StopSwitch()
    if ledger.is_new:
        await ledger.begin(new_batch(plan, base_url or client.settings.base_url))
    tally = Tally(plan.runs, ledger.state)
    for outcome in retry:
        tally.bring_back(outcome)
    window = ActiveRuns(settings.max_active, is_over=lambda: backlog.is_empty)
    backlog = Backlog(unsent_work(plan, ledger.state, retry), time.monotonic, left=window.release)
    session = Session(
        settings=settings,
        ledger=ledger,
        client=client,
        pacing=Pacer(rate=settings.rate, burst=settings.burst, learned=_learned(ledger.state.rate)),
        backlog=backlog,
        window=window,
        tally=tally,
        switch=switch,
        observer=observer,
    )
    settler = Settler(session)
    await _reach(session)
    if not switch.is_pulled:
        await _run(session, settler, plan)
    return await _end(session)


async def _reach(session: Session) -> None:
    """Ask for one run before anything is sent, to learn if the key opens the service and what time it is there."""
    for attempt in range(1, REACH_ATTEMPTS + 1):
        try:
            await session.client.list_page(size=1)
        except ApiError as error:
            if error.http_status is None and session.client.clock.offset_s is None:
                if attempt == REACH_ATTEMPTS:
                    session.switch.pull(StopReason.UNREACHABLE, _unreachable(session, error))
                await anyio.sleep(REACH_PAUSE_S * (attempt < REACH_ATTEMPTS))
                continue
            _stop_if_pointless(session, error)
        return


def _unreachable(session: Session, error: ApiError) -> Problem:
    return Problem(
        session.client.settings.base_url, error.problems[0].fact, "check the base URL and the network, then resume"
    )


def _stop_if_pointless(session: Session, error: ApiError) -> None:
    """A key that opens nothing stops the batch; any other trouble with the list is for later."""
    if error.http_status is not None and (error.http_status in {401, 403} or error.http_status // 100 == 3):  # noqa: PLR2004
        session.switch.pull(*stop_for(Refused(error.http_status), session.client.settings.base_url))


async def _run(session: Session, settler: Settler, plan: Plan) -> None:
    try:
        await session.ledger.record_durably(_event(session, "start"))
        if session.window.is_bounded:
            session.count_earlier()
        for work in unknown_work(plan, session.ledger.state):
            session.backlog.adopt()
            session.window.hold()
            settler.put(work)
        async with anyio.create_task_group() as helpers:
            helpers.start_soon(_keep_flushing, session)
            helpers.start_soon(_show_progress, session)
            helpers.start_soon(settler.run)
            helpers.start_soon(Monitor(session).run)
            await run_workers(session, Attempts(session, settler))
            helpers.cancel_scope.cancel()
    except LedgerWriteError as error:
        session.switch.pull(StopReason.LEDGER, error.problems[0])


async def _keep_flushing(session: Session) -> None:
    try:
        await session.ledger.keep_flushing()
    except LedgerWriteError as error:
        session.switch.pull(StopReason.LEDGER, error.problems[0])


async def _show_progress(session: Session) -> None:
    while True:
        session.observer.progress(_progress(session))
        await anyio.sleep(PROGRESS_EVERY_S)


async def _end(session: Session) -> Submission:
    stop = session.switch.stop
    try:
        with anyio.CancelScope(shield=True):
            await session.ledger.record_durably(_event(session, "stop"))
    except LedgerWriteError as error:
        session.switch.pull(StopReason.LEDGER, error.problems[0])
        stop = session.switch.stop
    progress = _progress(session)
    session.observer.progress(progress)
    return Submission(progress=progress, stop=stop, notes=tuple(session.notes))


def _progress(session: Session) -> Progress:
    return session.tally.snapshot(session.pacing.pace(), waiting=session.backlog.waiting, active=_active(session))


def _active(session: Session) -> int | None:
    return len(session.window.active) if session.window.is_bounded else None


def _event(session: Session, action: str) -> SessionEvent:
    is_stop = action == "stop"
    stop = session.switch.stop
    return SessionEvent(
        at=session.ledger.clock.stamp(),
        action="stop" if is_stop else "start",
        reason=stop.reason.value if stop is not None else ("done" if is_stop else ""),
        pid=os.getpid(),
        host=socket.gethostname(),
        batchrun=version("batchrun"),
        server_offset_s=_rounded(session.client.clock.offset_s),
        totals=session.tally.totals() if is_stop else None,
        rate=_learned_table(session.pacing.learned()) if is_stop else None,
    )


def _learned(table: dict[str, float | None] | None) -> Learned | None:
    rate = (table or {}).get("rate_per_s")
    return Learned(rate_per_s=rate, window_s=(table or {}).get("window_s")) if rate else None


def _learned_table(learned: Learned | None) -> dict[str, float | None] | None:
    return None if learned is None else {"rate_per_s": round(learned.rate_per_s, 3), "window_s": learned.window_s}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
