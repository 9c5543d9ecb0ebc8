"""The parts of one session, wired as ``submit`` wires them but left still: a test moves them one at a time."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import httpx
from typing_extensions import override

from batchrun.emulator.http.app import create_app
from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.batch import new_batch
from batchrun.engine.listing.known_ids import KnownIds
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Reporter
from batchrun.engine.sending.active_runs import ActiveRuns
from batchrun.engine.sending.attempt import Attempts
from batchrun.engine.sending.backlog import Backlog, Work
from batchrun.engine.sending.controls import Controls
from batchrun.engine.sending.outcomes import Outcomes
from batchrun.engine.sending.resume import unsent_work
from batchrun.engine.sending.settle import Settler
from batchrun.engine.sending.settle_queue import SettleQueue
from batchrun.engine.sending.workers import Workers
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.engine.tagging import Tagging
from batchrun.engine.tally import Tally
from batchrun.errors import Problem
from batchrun.ledger.events import Event
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_events, read_state
from batchrun.sweep.plan import Plan
from batchrun.tracking.poller import Poller
from batchrun.uploads.destinations import Destinations
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.engine.service import URL

__all__ = ["CTRL_C", "Notes", "Parts", "Wire", "client_of", "emulator", "open_parts"]

CTRL_C = Stop(StopReason.INTERRUPTED, Problem("submit", "interrupted"))


class Wire(httpx.AsyncBaseTransport):
    """Passes requests on and remembers them."""

    def __init__(self, service: httpx.AsyncBaseTransport) -> None:
        self.requests: list[httpx.Request] = []
        self._service = service

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._service.handle_async_request(request)

    @property
    def posts(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.method == "POST"]

    @property
    def lists(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.method == "GET"]


def emulator(settings: EmulatorSettings | None = None) -> Wire:
    """An emulator in this process."""
    return Wire(httpx.ASGITransport(create_app(settings or EmulatorSettings())))


@asynccontextmanager
async def client_of(service: httpx.AsyncBaseTransport, *, knows_clock: bool = True) -> AsyncIterator[RunsClient]:
    """A client of ``service``; ``knows_clock``: an earlier response showed that its clock agrees with ours."""
    async with RunsClient(ApiSettings(api_key="k-engine", base_url=URL), service) as client:
        if knows_clock:
            client.clock.read(formatdate(time.time(), usegmt=True))
        yield client


class Notes:
    """An observer that keeps the notes."""

    def __init__(self) -> None:
        self.seen: list[Problem] = []

    def progress(self, progress: object) -> None: ...

    def note(self, note: Problem) -> None:
        self.seen.append(note)


class Parts:
    """Nothing runs by itself. Pacing at 1000 a second never holds a test back."""

    def __init__(self, plan: Plan, ledger: FileLedger, client: RunsClient, settings: SubmitSettings) -> None:
        self.plan, self.ledger, self.client = plan, ledger, client
        self.switch, self.observer = StopSwitch(), Notes()
        self.tally = Tally(plan.runs, ledger.state)
        self.pacer = Pacer(rate=settings.rate or 1000.0, now=time.monotonic)
        self.poller = Poller(time.monotonic())
        self.active_runs = ActiveRuns(
            settings.max_active, self.poller, server_now=client.clock.now, is_over=lambda: self.backlog.is_empty
        )
        source: Iterator[Work] = unsent_work(plan, ledger.state, frozenset())
        self.backlog = Backlog(source, time.monotonic, on_return=self.active_runs.release)
        self.to_settle = SettleQueue(settings.settle_after_s)
        self.controls = Controls()
        self.known_ids = KnownIds(lambda: iter(()), ledger.state.foreign)
        tagging = Tagging(None)
        self.outcomes = Outcomes(
            settings=settings,
            base_url=client.settings.base_url,
            ledger=ledger,
            backlog=self.backlog,
            to_settle=self.to_settle,
            active_runs=self.active_runs,
            controls=self.controls,
            known_ids=self.known_ids,
            tally=self.tally,
            switch=self.switch,
            reporter=Reporter(self.observer),
        )
        self.settler = Settler(
            queue=self.to_settle,
            client=client,
            pacer=self.pacer,
            backlog=self.backlog,
            outcomes=self.outcomes,
            controls=self.controls,
            known_ids=self.known_ids,
            tagging=tagging,
            switch=self.switch,
            settle_after_s=settings.settle_after_s,
        )
        self.attempts = Attempts(
            ledger=ledger,
            client=client,
            pacer=self.pacer,
            outcomes=self.outcomes,
            settler=self.settler,
            destinations=Destinations({}),
            tagging=tagging,
            tally=self.tally,
            switch=self.switch,
        )
        self.workers = Workers(
            settings.concurrency,
            backlog=self.backlog,
            active_runs=self.active_runs,
            pacer=self.pacer,
            attempts=self.attempts,
            switch=self.switch,
        )

    async def take(self) -> Work:
        """The next run, with the slot that its attempt needs."""
        await self.active_runs.enter()
        work = await self.backlog.take()
        assert work is not None
        return work

    async def attempt(self, work: Work) -> None:
        """One attempt, as a worker makes it."""
        permit = await self.pacer.wait_for_permit()
        try:
            await self.attempts.attempt(work, permit)
        finally:
            self.pacer.ended(permit)

    def is_settling(self, work: Work) -> bool:
        return any(case.work is work for case in self.to_settle)

    def unqueue(self, work: Work) -> None:
        """Take a run out of settling, as the settler does before it passes it on."""
        (case,) = (case for case in self.to_settle if case.work is work)
        self.to_settle.remove(case)

    @property
    def counts(self) -> dict[str, int]:
        """What the tally says, without what it has none of."""
        return {outcome.value: n for outcome, n in self.tally.outcomes.items() if n}

    async def events(self) -> list[Event]:
        """What the ledger file holds after its first line."""
        await self.ledger.flush()
        return list(read_events(self.ledger.path))[1:]

    async def state(self) -> BatchState:
        """What a reader makes of the ledger file."""
        await self.ledger.flush()
        return read_state(self.ledger.path)

    async def outcome(self, work: Work) -> Outcome:
        return (await self.state()).outcome(work.run.key)


@asynccontextmanager
async def open_parts(
    folder: Path,
    plan: Plan,
    service: httpx.AsyncBaseTransport,
    *,
    settings: SubmitSettings | None = None,
    knows_clock: bool = True,
) -> AsyncIterator[Parts]:
    """The parts over a new ledger in ``folder``."""
    async with client_of(service, knows_clock=knows_clock) as client:
        with FileLedger.open(folder / "sweep.ledger.jsonl", create=True) as ledger:
            await ledger.begin(new_batch(plan, client.settings.base_url))
            parts = Parts(plan, ledger, client, settings or SubmitSettings())
            await parts.backlog.read_ahead()
            yield parts
