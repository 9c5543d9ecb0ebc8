"""One process that submits: the real engine and ledger between a simulated network and a simulated disk."""

import errno
import os
import random
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import msgspec

from batchrun.engine.progress import Progress
from batchrun.engine.service_check import Existing
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.engine.submit import Submission, submit
from batchrun.errors import BatchrunError, LedgerError, LedgerFormatError, LedgerMismatchError, Problem, RunsExistError
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.sweep.plan import Plan
from batchrun.wherobots import clock as batchrun_clock
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.simulation.clock import CLOCK, EndlessError, Killed, SimLoop
from tests.simulation.disk import DISK
from tests.simulation.events import Session
from tests.simulation.service import Owner, Service
from tests.simulation.sweep import Sweep, identity
from tests.simulation.transport import TIMEOUT_S, URL, SimTransport

__all__ = ["Ended", "Process", "Refusal"]

_ATTEMPT = re.compile(rb'"event":"attempt"[^\n]*"key":"([0-9a-f]{16})","n":([0-9]+)')


class Refusal(Enum):
    """Why a session was refused before anything was sent."""

    ORGANIZATION = auto()
    RECREATES = auto()
    RUNS_EXIST = auto()
    DISK = auto()
    TORN = auto()
    """All that there is of the ledger are the first bytes of its first line: too few to tell it from any other file."""
    OTHER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended."""

    words: str
    refusal: Refusal | None = None
    submission: Submission | None = None
    findings: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Process:
    """One process, from its start to its end."""

    event: Session
    path: Path
    sweep: Sweep
    service: Service
    organization: str
    existing: Existing
    trace: Callable[[str], None]
    chance: random.Random
    is_alive: bool = True
    findings: list[str] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """What it said while it ran; also if it was killed."""
    loop: SimLoop = field(init=False)
    transport: SimTransport = field(init=False)
    plan: Plan = field(init=False)
    switch: StopSwitch = field(init=False)
    posts: int = 0
    _read: int = 0
    _attempts: dict[str, int] = field(default_factory=dict)
    """The latest durable attempt of each key."""
    _posted: dict[str, int] = field(default_factory=dict)
    """The latest attempt of each key that was sent."""

    def run(self) -> Ended:
        """Run it until it ends or is killed."""
        event = self.event
        random.seed(event.seed)
        batchrun_clock._BASE_S = CLOCK.time() - CLOCK.monotonic()  # what a process reads once
        DISK.start_process(event.disk, self.chance, self.kill)
        self.plan = self.sweep.plan()
        os.environ["TOKEN"] = self.sweep.token
        self.transport = SimTransport(
            service=self.service,
            organization=self.organization,
            faults=event.faults,
            chance=self.chance,
            trace=self.trace,
            is_alive=lambda: self.is_alive,
            on_post=self._sent,
        )
        alarms = {event.kill_at_step: self.kill, event.interrupt_at_step: self._interrupt}
        self.loop = SimLoop({step: alarm for step, alarm in alarms.items() if step})
        if event.steps_clock_s:
            self.loop.call_later(self.chance.uniform(0, 2), self._step_clock)
        try:
            ended = self._ended(self.loop.run_until_complete(self._submit()))
        except Killed:
            ended = Ended(
                words=f"killed after {self.loop.steps} steps, {self.posts} posts", findings=tuple(self.findings)
            )
        except EndlessError as error:
            ended = Ended(words="endless", findings=(f"endless: {error}",))
        except BatchrunError as error:
            ended = self._refused(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, no user should see it
            where = traceback.extract_tb(error.__traceback__)[-1]
            fact = f"crash: {type(error).__name__}: {error} in {where.name} of {Path(where.filename).name}"
            ended = Ended(words="crashed", findings=(fact,))
        finally:
            self.loop.abandon()
            DISK.end_process()
        if event.cuts_power:
            DISK.cut_power()
        return ended

    async def _submit(self) -> Submission:
        event = self.event
        settings = ApiSettings(api_key=f"key-of-{self.organization}", base_url=URL, timeout_s=TIMEOUT_S)
        self.switch = StopSwitch()
        with FileLedger.open(self.path, create=True) as ledger:
            async with RunsClient(settings, self.transport) as client:
                return await submit(
                    self.plan,
                    ledger,
                    client,
                    settings=SubmitSettings(
                        concurrency=event.concurrency,
                        rate=event.rate,
                        max_active=event.max_active,
                        settle_after_s=self.service.habits.settle_after_s,
                        tag=event.tag,
                    ),
                    observer=self,
                    switch=self.switch,
                    retry=frozenset(Outcome(outcome) for outcome in event.retry),
                    extend=True,
                    recreate=event.recreates,
                    existing=self.existing,
                )

    def progress(self, progress: Progress) -> None:
        """As an observer: nobody looks."""

    def note(self, note: Problem) -> None:
        """As an observer."""
        self.notes.append(note)

    def kill(self) -> None:
        """End the process at once: first its hands are bound, so that no ``finally`` reaches disk or network."""
        self.is_alive = False
        DISK.sever()
        self.transport.die()
        self.loop.is_killed = True

    def _interrupt(self) -> None:
        self.switch.pull(Stop(StopReason.INTERRUPTED, Problem("simulation", "Ctrl-C", "")))

    def _step_clock(self) -> None:
        CLOCK.wall_error_s += self.event.steps_clock_s

    def _sent(self, body: bytes) -> Owner | None:
        """A POST leaves: its attempt must be durable."""
        self.posts += 1
        found = identity(msgspec.json.decode(body))
        key = self.sweep.keys().get(found)
        if key is None:
            self.findings.append(f"stray: {found} is sent, and is not planned")
            return None
        new = DISK.durable(self.path, self._read)
        self._read += len(new)
        self._attempts.update((name.decode(), int(n)) for name, n in _ATTEMPT.findall(new))
        if self._attempts.get(key, 0) <= self._posted.get(key, 0):
            self.findings.append(f"law 1: {found} is sent without a durable attempt")
        self._posted[key] = self._attempts.get(key, 0)
        if self.posts == self.event.kill_at_post:
            self.loop.call_soon(self.kill)
        return self.path.name, key

    def _ended(self, submission: Submission) -> Ended:
        progress = submission.progress
        stop = f", stopped: {submission.stop.reason} {submission.stop.problem.fact}" if submission.stop else ""
        words = (
            f"ended: {progress.submitted} submitted, {progress.rejected} rejected, {progress.failed} failed, "
            f"{progress.unknown} unknown, {progress.pending} pending{stop}"
        )
        return Ended(words=words, submission=submission, findings=tuple(self.findings))

    def _refused(self, error: BatchrunError) -> Ended:
        findings = list(self.findings)
        if self.posts:
            findings.append(f"refused after {self.posts} posts: {error}")
        fact = str(error)
        match error:
            case RunsExistError():
                refusal = Refusal.RUNS_EXIST
            case LedgerError() if os.strerror(errno.EIO) in fact or os.strerror(errno.ENOSPC) in fact:
                refusal = Refusal.DISK
            case LedgerFormatError() if self.path.stat().st_size <= len('{"event":"b'):
                refusal = Refusal.TORN
            case LedgerMismatchError() if "cost again" in fact:
                refusal = Refusal.RECREATES
            case LedgerMismatchError() if "key" in fact:
                refusal = Refusal.ORGANIZATION
            case _:
                refusal = Refusal.OTHER
        return Ended(words=f"refused: {error}", refusal=refusal, findings=tuple(findings))
