"""A ledger's runs by id and by name, read in one pass: the state itself does not keep the names of created runs."""

from dataclasses import dataclass, field
from pathlib import Path

from batchrun.engine.evidence import MARGIN_S
from batchrun.engine.listing.known_ids import ids_of
from batchrun.engine.rerun_names import next_rerun_name, rerun_name, rerun_of
from batchrun.errors import LedgerFormatError
from batchrun.ledger.events import RerunEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.ledger.reader import read_events
from batchrun.sweep.plan import Plan

__all__ = ["KnownRuns", "read_known_runs"]


@dataclass(slots=True, kw_only=True)
class KnownRuns:
    """The runs of a batch according to its ledger."""

    state: BatchState = field(default_factory=BatchState)
    names: dict[str, str] = field(default_factory=dict)
    """The name of each created run, by its id."""
    keys: dict[str, str] = field(default_factory=dict)
    """The key of the planned run, by name: those that exist, that may exist, and with a plan those that were never sent."""
    reruns: dict[str, int] = field(default_factory=dict)
    """The generations of the ledger's reruns, by name."""
    attempts_before: dict[tuple[str, int], int] = field(default_factory=dict)
    """Attempts of earlier generations, by the key and the generation of a rerun."""
    has_taken_over: bool = False
    """Some runs were not created by this ledger's own attempts: they may be older than it."""

    def place(self, name: str) -> tuple[str, int] | None:
        """The key and the generation of the run that has this name, also of a rerun that the ledger does not know."""
        key = self.keys.get(name)
        return (key, self.reruns.get(name, 1)) if key is not None else rerun_of(name, self._first_of, self._known_key)

    def __contains__(self, name: object) -> bool:
        """Whether a name is a run's of this batch."""
        return isinstance(name, str) and self.place(name) is not None

    def next_name(self, name: str) -> str | None:
        """What the run after this one is called that the ledger does not know; None if it was never sent."""
        key, generation = self.place(name) or ("", 0)
        run = self.state.runs.get(key)
        if run is None or generation < run.generation:
            return None
        return next_rerun_name(name) if generation > 1 else rerun_name(name, key, 2, self.keys)

    def _first_of(self, name: str) -> str | None:
        return self.keys.get(name) if name not in self.reruns else None

    def _known_key(self, key: str) -> str | None:
        return key if key in self.state.runs else None

    def attempts(self, key: str, generation: int) -> int:
        """How often a generation of a planned run was sent."""
        until = self.attempts_before.get((key, generation + 1), _attempts(self.state, key))
        return until - self.attempts_before.get((key, generation), 0)

    @property
    def began_s(self) -> float:
        """Epoch seconds of the server's clock: no run that the batch itself created can be older."""
        return (self.state.began_s or 0.0) - self.state.creation_lag_s - MARGIN_S


def _attempts(state: BatchState, key: str) -> int:
    run = state.runs.get(key)
    return run.n if run is not None else 0


def _take(known: KnownRuns, event: SubmittedEvent) -> None:
    known.names[event.run_id] = event.name
    known.keys[event.name] = event.key
    if event.generation > 1:
        known.reruns[event.name] = event.generation
    known.has_taken_over |= event.n == 0 or event.via in {"recovered", "resolved"}


def read_known_runs(ledger: Path, plan: Plan | None = None) -> KnownRuns:
    """Read a ledger; ``plan``, if it is the batch's own, adds the names of runs that were never sent.

    Raises:
        LedgerError: it cannot be read.

    """
    known = KnownRuns()
    for event in read_events(ledger):
        if type(event) is RerunEvent:
            known.attempts_before |= {(key, event.generation): _attempts(known.state, key) for key in event.keys}
        fold(known.state, event)
        if type(event) is SubmittedEvent:
            _take(known, event)
        elif type(event) is UnknownEvent:
            known.has_taken_over |= event.n == 0
            if event.name and known.state.runs[event.key].generation == 1:
                known.keys[event.name] = event.key
    if known.state.batch is None:
        raise LedgerFormatError(str(ledger), "the ledger is empty", "submit the sweep again")
    ids = dict(ids_of(known.state))
    known.names = {run_id: name for run_id, name in known.names.items() if run_id in ids}
    _take_unsubmitted(known)
    if plan is not None and plan.sha256 == known.state.batch.plan_sha256:
        for planned in plan:
            known.keys.setdefault(planned.name, planned.key)
    return known


def _take_unsubmitted(known: KnownRuns) -> None:
    for key, run in known.state.runs.items():
        # Until a rerun is sent, the state has the name of the run before it.
        if run.name and run.outcome is not Outcome.SUBMITTED and known.keys.get(run.name) != key:
            known.keys[run.name] = key
            if run.generation > 1:
                known.reruns[run.name] = run.generation
