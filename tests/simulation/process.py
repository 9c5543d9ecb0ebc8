"""One process: real code between a simulated network and a simulated disk, run until it ends or is killed."""

import errno
import os
import random
import re
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import msgspec

from batchrun.errors import BatchrunError, LedgerError, LedgerFormatError, LedgerMismatchError, Problem, RunsExistError
from batchrun.ledger.events import AttemptEvent, CancelEvent, RerunEvent, read_event
from batchrun.wherobots import clock as batchrun_clock
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.simulation.clock import CLOCK, EndlessError, Killed, SimLoop
from tests.simulation.determinism import begin_loop
from tests.simulation.disk import DISK
from tests.simulation.events import Command, Session
from tests.simulation.service import Owner, Service
from tests.simulation.sweep import Sweep, identity
from tests.simulation.tracing import Trace
from tests.simulation.transport import TIMEOUT_S, URL, SimTransport

__all__ = ["Ended", "Process", "Refusal"]

_ATTEMPT, _RERUN, _CANCEL = (b'{"event":"%s"' % name for name in (b"attempt", b"rerun", b"cancel"))
_decode_attempt = msgspec.json.Decoder(AttemptEvent).decode
_RERUN_NAME = re.compile(r"(.+)-r([0-9]+)")


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
    run_ids: frozenset[str] = frozenset()
    """The runs that a refusal names."""
    ledger: bytes = b""
    """What a refused session had read, also if the power went afterwards."""
    findings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Durable:
    """What the ledger holds for certain, as far as it was read: what may leave the process because of it."""

    attempts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The number and the generation of each key's latest attempt."""
    reruns: dict[str, RerunEvent] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    _read: int = 0

    def read(self, path: Path) -> None:
        new = DISK.durable(path, self._read)
        self._read += len(new)
        for line in new.splitlines(keepends=True):
            if line.startswith(_ATTEMPT):
                attempt = _decode_attempt(line)
                self.attempts[attempt.key] = attempt.n, attempt.generation
            elif line.startswith(_RERUN):
                event = read_event(line)
                assert isinstance(event, RerunEvent)
                self.reruns.update(dict.fromkeys(event.keys, event))
            elif line.startswith(_CANCEL):
                event = read_event(line)
                assert isinstance(event, CancelEvent)
                self.cancelled.add(event.run_id)


@dataclass(slots=True, kw_only=True)
class Process:
    """One process, from its start to its end."""

    event: Session | Command
    path: Path
    sweep: Sweep
    service: Service
    organization: str
    trace: Trace
    chance: random.Random
    work: Callable[["Process"], Awaitable[str]]
    """What it does; returns how that ended."""
    is_alive: bool = True
    findings: list[str] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """What it said while it ran; also if it was killed."""
    on_interrupt: Callable[[], None] = lambda: None
    loop: SimLoop = field(init=False)
    transport: SimTransport = field(init=False)
    posts: int = 0
    _durable: _Durable = field(default_factory=_Durable)
    _posted: dict[str, int] = field(default_factory=dict)
    """The latest attempt of each key that was sent."""

    def run(self) -> Ended:
        """Run it until it ends or is killed."""
        event = self.event
        random.seed(event.seed)
        batchrun_clock._BASE_S = CLOCK.time() - CLOCK.monotonic()  # what a process reads once
        DISK.start_process(event.disk, self.chance, self.kill)
        os.environ["TOKEN"] = self.sweep.token
        self.transport = SimTransport(
            service=self.service,
            organization=self.organization,
            faults=event.faults,
            chance=self.chance,
            trace=self.trace,
            is_alive=lambda: self.is_alive,
            on_post=self._sent,
            on_cancel=self._cancelled,
        )
        self.loop = SimLoop(self._alarms())
        begin_loop(self.loop)
        if event.steps_clock_s:
            self.loop.call_later(self.chance.uniform(0, 2), self._step_clock)
        try:
            ended = Ended(words=self.loop.run_until_complete(self.work(self)), findings=tuple(self.findings))
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

    def _alarms(self) -> dict[int, Callable[[], None]]:
        alarms = {self.event.kill_at_step: self.kill}
        if isinstance(self.event, Session):
            alarms[self.event.interrupt_at_step] = self._interrupt
        return {step: alarm for step, alarm in alarms.items() if step}

    def _interrupt(self) -> None:
        self.on_interrupt()

    def client(self) -> RunsClient:
        """With the key of the organization."""
        settings = ApiSettings(api_key=f"key-of-{self.organization}", base_url=URL, timeout_s=TIMEOUT_S)
        return RunsClient(settings, self.transport)

    def kill(self) -> None:
        """End the process at once: first its hands are bound, so that no ``finally`` reaches disk or network."""
        self.is_alive = False
        DISK.sever()
        self.transport.die()
        self.loop.is_killed = True

    def _step_clock(self) -> None:
        CLOCK.wall_error_s += self.event.steps_clock_s

    def _sent(self, body: bytes) -> Owner | None:
        """A POST leaves: its attempt must be durable, and it must be the run that the ledger says."""
        self.posts += 1
        name, timeout_s = identity(msgspec.json.decode(body))
        self._durable.read(self.path)
        rerun_name = _RERUN_NAME.fullmatch(name)
        planned_name, generation = (rerun_name[1], int(rerun_name[2])) if rerun_name else (name, 1)
        key = self.sweep.names().get(planned_name)
        if key is None or timeout_s != self._timeout_s(key, generation):
            self.findings.append(f"stray: {name} with a timeout of {timeout_s} s is sent, and is not planned")
            return None
        n, recorded_generation = self._durable.attempts.get(key, (0, 1))
        if n <= self._posted.get(key, 0):
            self.findings.append(f"law 1: {name} is sent without a durable attempt")
        elif generation != recorded_generation:
            self.findings.append(f"{name} is sent, and its attempt is one of generation {recorded_generation}")
        self._posted[key] = n
        if isinstance(self.event, Session) and self.posts == self.event.kill_at_post:
            self.loop.call_soon(self.kill)
        return Owner(self.path.name, key, generation)

    def _timeout_s(self, key: str, generation: int) -> int | None:
        """What a generation sends; None if no durable request was made for it."""
        if generation == 1:
            return self.sweep.timeout_s
        rerun = self._durable.reruns.get(key)
        if rerun is None or rerun.generation != generation:
            return None
        return int(rerun.overrides.get("timeout", f"{self.sweep.timeout_s}s")[:-1])

    def _cancelled(self, run_id: str) -> None:
        """A cancel leaves: the decision must be durable."""
        self._durable.read(self.path)
        if run_id not in self._durable.cancelled:
            self.findings.append(f"law 1: {run_id} is cancelled without a durable event")

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
            case LedgerMismatchError() if "--recreate" in fact:
                refusal = Refusal.RECREATES
            case LedgerMismatchError() if "API key" in fact:
                refusal = Refusal.ORGANIZATION
            case _:
                refusal = Refusal.OTHER
        run_ids = frozenset(error.run_ids) if isinstance(error, RunsExistError) else frozenset()
        ledger = self.path.read_bytes() if self.path.exists() else b""
        return Ended(
            words=f"refused: {error}", refusal=refusal, run_ids=run_ids, ledger=ledger, findings=tuple(findings)
        )
