"""A history, played: the events one after another, and the trace of everything that happened."""

import random
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from batchrun.engine.preflight.existing import Existing
from tests.simulation import audit
from tests.simulation.clock import CLOCK
from tests.simulation.commands import Commanding
from tests.simulation.disk import DISK
from tests.simulation.events import Act, Command, History, Person, Session, described
from tests.simulation.process import Ended, Process, Refusal
from tests.simulation.service import Service
from tests.simulation.submitting import Submitting
from tests.simulation.tracing import Entry, text_of
from tests.simulation.world import World

__all__ = ["Played", "play"]

MOST_TRIES = 4
"""How often a person starts a session again after it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a history went. ``findings`` are empty where the promise was kept."""

    history: History
    findings: tuple[str, ...]
    sessions: int
    attempts: int
    excused: dict[str, int]
    """Runs that were made twice although no client could know better, by the reason."""
    entries: list[Entry]
    folder: Path

    @property
    def trace(self) -> str:
        """Everything that happened, a line each."""
        return "\n".join([text_of(self.entries), *self.findings]).replace(f"{self.folder}/", "")

    @property
    def sha256(self) -> str:
        return sha256(self.trace.encode()).hexdigest()


def play(history: History, folder: Path) -> Played:
    """Play a history in an empty folder."""
    return _Player(history, folder).play()


@dataclass(slots=True)
class _Player:
    history: History
    folder: Path
    trace: list[Entry] = field(default_factory=list)
    sessions: int = 0
    is_stuck: bool = False
    """No key is accepted for the ledger any more."""
    looked_s: float | None = None
    """When the last session of the main ledger began, if it ended by itself."""
    world: World = field(init=False)

    def play(self) -> Played:
        CLOCK.reset()
        DISK.start(self.folder, self.trace.append)
        world = self.world = World(self.folder, Service(self.history.habits))
        for event in self.history.events:
            self.say(described(event))
            if isinstance(event, Session):
                self._session(event)
            elif isinstance(event, Command):
                self._command(event)
            else:
                world.change(event)
            if world.findings or self.is_stuck:
                break
        else:
            CLOCK.now_s += self.history.habits.lag_s  # lists are to show what the last session created
            world.findings += audit.findings(
                self.folder, world.service, world.sweep, self.trace.append, looked_s=self.looked_s
            )
        return self._played()

    def _played(self) -> Played:
        service, findings = self.world.service, self.world.findings
        return Played(
            history=self.history,
            findings=tuple(findings),
            sessions=self.sessions,
            attempts=len(service.runs),
            excused=self._excused() if not findings else {},
            entries=self.trace,
            folder=self.folder,
        )

    def _excused(self) -> dict[str, int]:
        if self.is_stuck:
            return {"no key is accepted: the organization is hidden, and the latest runs are deleted": 1}
        return audit.excused(self.folder, self.world.service)

    def say(self, text: str) -> None:
        self.trace.append(f"{CLOCK.now_s:.6f} {text}")

    def _session(self, event: Session) -> None:
        """A person starts a process, and again after a refusal, having done what it asks for."""
        existing, world, path = Existing.REFUSE, self.world, self.folder / f"{event.ledger}.jsonl"
        for attempt in range(MOST_TRIES):
            ended = self._process(event, path, existing, attempt)
            match ended.refusal:
                case None | Refusal.DISK:
                    return
                case Refusal.ORGANIZATION:
                    world.organization = "globex" if world.organization == "acme" else "acme"
                case Refusal.RECREATES:
                    world.sweep.timeout_s = 3600 if world.sweep.timeout_s == 7200 else 7200
                case Refusal.RUNS_EXIST:
                    world.findings += world.sent_by(path, ended.ledger, ended.run_ids)
                    existing = self._decide(event.person, path, ended.run_ids)
                    if existing is Existing.FOREIGN:
                        world.disown(path, ended.run_ids)
                case Refusal.TORN:
                    path.unlink()
                case _:
                    break
        if ended.refusal is Refusal.ORGANIZATION and world.has_lost_its_latest_runs(path):
            self.is_stuck = True  # nothing is left by which a key could be recognised
        else:
            world.findings.append(f"refused: {ended.words}")

    def _decide(self, person: Person, ledger: Path, run_ids: frozenset[str]) -> Existing:
        if person is Person.NEWER and self.world.put_newer_back():
            return Existing.REFUSE
        if person is Person.ADOPT and self.world.newer is not None and self.world.are_of(ledger, run_ids):
            return Existing.ADOPT
        return Existing.FOREIGN

    def _command(self, event: Command) -> None:
        """A person runs another command; whatever it is refused for, the batch is as it was."""
        world, path = self.world, self.folder / f"{event.ledger}.jsonl"
        if not world.is_begun:
            return
        if event.act is Act.RECOVER:
            self._recover(event, path)
            return
        commanding = Commanding(event)
        self._run(self._process_of(event, path, commanding, 0))
        world.excuse_after_decisions(path, commanding)

    def _recover(self, event: Command, path: Path) -> None:
        """The ledger is lost, and rebuilt; if that fails every time, it turns up again."""
        lost = path.read_bytes()
        DISK.remove(path)
        for attempt in range(MOST_TRIES):
            commanding = Commanding(event)
            self._run(self._process_of(event, path, commanding, attempt))
            if path.exists():
                self.world.excuse_after_recovery(path, commanding.doubted)
                return
        DISK.put(path, lost)

    def _process(self, event: Session, path: Path, existing: Existing, attempt: int) -> Ended:
        before, began_s = path.read_bytes() if path.exists() else b"", CLOCK.now_s
        process = self._process_of(event, path, Submitting(event, existing), attempt)
        ended = self._run(process)
        is_done = ended.words.startswith("ended") and "stopped" not in ended.words
        self.looked_s = began_s if is_done and event.ledger == "main" else None
        is_checked = not any("could not check" in note.fact for note in process.notes)
        self.world.excuse_after_session(path.name, before, began_s, is_checked=is_checked)
        return ended

    def _process_of(self, event: Session | Command, path: Path, work: Submitting | Commanding, attempt: int) -> Process:
        return Process(
            event=event,
            path=path,
            sweep=self.world.sweep,
            service=self.world.service,
            organization=self.world.organization,
            trace=self.trace.append,
            chance=random.Random(f"{event.seed} {attempt}"),
            work=work,
        )

    def _run(self, process: Process) -> Ended:
        self.sessions += 1
        ended = process.run()
        self.world.findings += ended.findings
        self.say(ended.words)
        self.trace += [f"    {note.text()}" for note in process.notes]
        return ended
