"""What is around a ledger: the sweep, the key, the clock, copies of the ledger, the service; and what changes them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchrun.engine.listing.known_ids import ids_of
from batchrun.ledger.compact import compact
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.tracking.access import latest_ids
from tests.simulation import audit
from tests.simulation.clock import CLOCK
from tests.simulation.commands import Commanding
from tests.simulation.disk import DISK, SOUND_DISK
from tests.simulation.draw import RUNS
from tests.simulation.events import (
    Backup,
    Compact,
    Delete,
    Edit,
    Restore,
    StepClock,
    Strangers,
    UseKey,
    Wait,
)
from tests.simulation.service import HeldRun, Service
from tests.simulation.sweep import Sweep

__all__ = ["World"]


UNPLANNED_THEN = "not planned when an older ledger was put back"
UNPLANNED_AT_RECOVERY = "not planned when the ledger was recovered"


@dataclass(slots=True)
class World:
    """One history's world. Its ledgers are ``<name>.jsonl`` in ``folder``; ``main`` is the one that events are about."""

    folder: Path
    service: Service
    sweep: Sweep = field(default_factory=lambda: Sweep((1, RUNS)))
    organization: str = "acme"
    newer: bytes | None = None
    """The ledger that an older one replaced."""
    findings: list[str] = field(default_factory=list)
    _copy: bytes | None = None
    _unknown_to_copy: list[HeldRun] = field(default_factory=list)
    """Runs that an older ledger did not know when it was put back."""
    _forgotten: list[HeldRun] = field(default_factory=list)
    """Those of them that the ledger before it did know."""
    _restored_s: float = 0.0
    """When it was."""

    @property
    def main(self) -> Path:
        return self.folder / "main.jsonl"

    def change(self, event: Any) -> None:
        """Let something happen between two sessions."""
        changes: dict[type, Callable[[Any], None]] = {
            Edit: self._edit,
            UseKey: self._use_key,
            StepClock: self._step_clock,
            Wait: self._wait,
            Delete: self._delete,
            Strangers: self._create_strangers,
            Backup: self._back_up,
            Restore: self._restore,
            Compact: self._compact,
        }
        changes[type(event)](event)

    def put_newer_back(self) -> bool:
        """Undo the latest ``Restore``, if there was one. What the older ledger sent in the meantime is unknown to the newer one."""
        if self.newer is None:
            return False
        DISK.put(self.main, self.newer)
        self.newer = None
        for run in self._forgotten:
            run.is_forgotten = False
        for run in self.service.runs:
            run.is_forgotten |= self._is_of_main(run) and run.sent_s >= self._restored_s
        self._unknown_to_copy = [run for run in self.service.runs if self._is_of_main(run) and run.is_forgotten]
        return True

    def has_lost_its_latest_runs(self, ledger: Path) -> bool:
        """Whether a ledger knows no organization, and none of its latest runs is left."""
        state = read_state(ledger)
        ids = latest_ids(state)
        alive = {run.id for run in self.service.existing()}
        is_hidden = self.service.habits.hides_organization or state.organization is None
        return is_hidden and bool(ids) and not alive.intersection(ids)

    def are_of(self, ledger: Path, run_ids: frozenset[str]) -> bool:
        """Whether all of these runs are a ledger's. A person who restored a copy of it knows its runs from another batch's."""
        owners = (run.owner for run in self.service.runs if run.id in run_ids)
        return all(owner is not None and owner.ledger == ledger.name for owner in owners)

    def sent_by(self, ledger: Path, content: bytes, run_ids: frozenset[str]) -> list[str]:
        """Findings: a person was asked about runs that a ledger sent itself, although it was neither lost nor replaced since.

        A further run of one that is submitted may be listed after the last look at its name, and then looks like another ledger's.
        """
        state = audit.state_of(content, self.folder / "asked")
        taken = {(key, generation) for key, generation, _ in audit.taken(state)}
        return [
            f"refused: {run.id} is {run.name}, which {ledger.name} sent itself"
            for run in self.service.runs
            if run.id in run_ids and not (run.owner is None or run.is_forgotten or run.excuse)
            if run.owner.ledger == ledger.name and (run.owner.key, run.owner.generation) not in taken
        ]

    def disown(self, ledger: Path, run_ids: frozenset[str]) -> None:
        """A person says that these runs are another batch's, although they may be a ledger's own.

        A ledger without attempts names the latest of the existing runs only: the person means all of them.
        """
        state = audit.state_of(ledger.read_bytes() if ledger.exists() else b"", self.folder / "before")
        for run in self.service.existing():
            is_meant = run.id in run_ids or (state.attempts == 0 and not _is_known(run, state))
            if run.owner is not None and run.owner.ledger == ledger.name and is_meant:
                run.is_disowned = True

    def excuse_after_session(self, ledger: str, before: bytes, began_s: float, *, is_checked: bool) -> None:
        """Note of which runs a session could not know, given its ledger ``before`` it, and what it said."""
        foreign = self._foreign(self.folder / ledger)
        for run in self.service.runs if foreign else ():
            run.is_disowned |= run.id in foreign
        self._excuse_unknown_to_copy(before, began_s)
        self._excuse_unknown_organization(ledger, before, began_s)
        if is_checked and b'"event":"attempt"' in before:
            return
        state = audit.state_of(before, self.folder / "before")
        for run in self.service.runs:
            if state.attempts == 0 and began_s < run.visible_s and run.sent_s < began_s:
                run.excuse = run.excuse or "not listed yet when the batch began"
            if is_checked:
                continue
            is_ours = run.owner is not None and run.owner.ledger == ledger
            if run.sent_s < began_s and not (is_ours and _is_known(run, state)):
                run.excuse = run.excuse or "the session said that it did not check"

    def _excuse_unknown_to_copy(self, before: bytes, began_s: float) -> None:
        planned = set(self.sweep.keys().values())
        for run in self.service.runs:  # once they are planned, preflight has to notice them
            if (
                run.excuse in {UNPLANNED_THEN, UNPLANNED_AT_RECOVERY}
                and run.owner is not None
                and run.owner.key in planned
            ):
                run.excuse = ""
        state = audit.state_of(before, self.folder / "before")
        may_exist = any(run.run_id is not None or run.since is not None for run in state.runs.values())
        names_one = b'"organization":' in before or may_exist
        for run in self._unknown_to_copy:
            if run.owner is not None and run.owner.key not in planned:
                run.excuse = run.excuse or UNPLANNED_THEN
            if run.visible_s > began_s:
                run.excuse = run.excuse or "not listed yet after an older ledger was put back"
            if run.organization != self.organization and not names_one:
                run.excuse = run.excuse or "another organization's, and an older ledger was put back that knows none"

    def _excuse_unknown_organization(self, ledger: str, before: bytes, began_s: float) -> None:
        """A ledger without an answer does not know in which organization it sent, where the service does not say."""
        if not self.service.habits.hides_organization or b'"event":"attempt"' not in before:
            return
        state = audit.state_of(before, self.folder / "before")
        own = [run for run in self.service.runs if run.owner is not None and run.owner.ledger == ledger]
        sent_in = {run.organization for run in own if run.sent_s < began_s}
        if state.organization is not None or any(ids_of(state)) or not sent_in or self.organization in sent_in:
            return
        for run in self.service.runs:
            if run.organization == self.organization and run not in own and run.sent_s < began_s:
                run.excuse = run.excuse or "another organization's, and nothing tells one key from another"

    def _foreign(self, ledger: Path) -> set[str]:
        """The ids that a ledger says are another batch's."""
        content = ledger.read_bytes() if ledger.exists() else b""
        return audit.state_of(content, self.folder / "before").foreign if b'"event":"foreign"' in content else set()

    def excuse_after_decisions(self, ledger: Path, made: Commanding) -> None:
        """Note what a person who did not know the truth decided, if it was recorded."""
        state = audit.state_of(ledger.read_bytes(), self.folder / "before")
        for key, runs in made.resent.items():
            if state.outcome(key) is not Outcome.UNKNOWN:
                for run in runs:
                    run.excuse = run.excuse or "a person decided that it does not exist"
        taken = {run_id for run_id, _ in ids_of(state)}
        for run in made.adopted:
            if run.id in taken:
                run.excuse = run.excuse or "a person adopted another batch's run"

    def excuse_after_recovery(self, ledger: Path, doubted: set[str]) -> None:
        """Note which runs a ledger that was recovered cannot know; about those with ``doubted`` names it said so."""
        self.newer = self._copy = None
        planned = set(self.sweep.keys().values())
        known = {run_id for run_id, _ in ids_of(read_state(ledger))}
        for run in self.service.runs:
            if run.owner is None or run.owner.ledger != ledger.name or run.id in known:
                continue
            run.is_forgotten = True
            run.is_doubted = run.owner.key in {self.sweep.names()[name] for name in doubted}
            if run.owner.key not in planned:
                run.excuse = run.excuse or UNPLANNED_AT_RECOVERY

    @property
    def is_begun(self) -> bool:
        return self.main.exists() and b"\n" in self.main.read_bytes()

    def _edit(self, event: Edit) -> None:
        self.sweep.points = event.points or self.sweep.points
        self.sweep.timeout_s = event.timeout_s or self.sweep.timeout_s
        self.sweep.token = event.token or self.sweep.token

    def _use_key(self, event: UseKey) -> None:
        self.organization = event.organization

    @staticmethod
    def _step_clock(event: StepClock) -> None:
        CLOCK.wall_error_s = event.error_s

    @staticmethod
    def _wait(event: Wait) -> None:
        CLOCK.now_s += event.seconds

    def _delete(self, event: Delete) -> None:
        chance = random.Random(event.seed)
        for run in self.service.existing():
            if chance.random() < event.share:
                run.deleted_s = CLOCK.now_s

    def _create_strangers(self, event: Strangers) -> None:
        chance = random.Random(event.seed)
        for name, timeout_s in list(self.sweep.keys()):
            if chance.random() < event.share:
                other = {"uri": "s3://acme/other.py", "args": ["x"]}
                payload = {"name": name, "timeoutSeconds": timeout_s, "runPython": other}
                self.service.create(payload, organization=self.organization, owner=None, after_s=0.0, chance=chance)

    def _back_up(self, _: Backup) -> None:
        self._copy = self.main.read_bytes() if self.is_begun else None

    def _restore(self, _: Restore) -> None:
        if self._copy is None:
            return
        self.newer = self.main.read_bytes()
        self._restored_s = CLOCK.now_s
        DISK.put(self.main, self._copy)
        known = {run_id for run_id, _ in ids_of(read_state(self.main))}
        unknown = [run for run in self.service.runs if self._is_of_main(run) and run.id not in known]
        self._unknown_to_copy += unknown
        self._forgotten = [run for run in unknown if not run.is_forgotten]
        for run in unknown:
            run.is_forgotten = True

    def _is_of_main(self, run: HeldRun) -> bool:
        return run.owner is not None and run.owner.ledger == self.main.name

    def _compact(self, _: Compact) -> None:
        if not self.is_begun:
            return
        DISK.start_process(SOUND_DISK, random.Random(0), lambda: None)
        before = read_state(self.main)
        compact(self.main)
        self.findings += audit.compacted(before, read_state(self.main))
        DISK.end_process()


def _is_known(run: HeldRun, state: BatchState) -> bool:
    """Whether a ledger has the run of its own, or an attempt that may have created it."""
    known = state.runs.get(run.owner.key) if run.owner is not None else None
    if run.owner is None or known is None or run.owner.generation > known.generation:
        return False
    return run.owner.generation < known.generation or known.run_id is not None or known.since_s is not None
