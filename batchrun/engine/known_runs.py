"""What a ledger knows of its runs by id and by name, read in one pass: the state itself keeps no names of created runs."""

from dataclasses import dataclass, field
from pathlib import Path

from batchrun.engine.evidence import MARGIN_S
from batchrun.engine.known_ids import ids_of
from batchrun.errors import LedgerFormatError
from batchrun.ledger.events import SubmittedEvent
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
    has_taken_over: bool = False
    """Some runs were not created by this ledger's own attempts: they may be older than it."""

    @property
    def began_s(self) -> float:
        """Epoch seconds of the server's clock: no run that the batch itself created can be older."""
        return (self.state.began_s or 0.0) - MARGIN_S


def read_known_runs(ledger: Path, plan: Plan | None = None) -> KnownRuns:
    """Read a ledger; ``plan``, if it is the batch's own, adds the names of runs that were never sent.

    Raises:
        LedgerError: it cannot be read.

    """
    known = KnownRuns()
    for event in read_events(ledger):
        fold(known.state, event)
        if type(event) is SubmittedEvent:
            known.names[event.run_id] = event.name
            known.keys[event.name] = event.key
            known.has_taken_over |= event.n == 0 or event.via in {"recovered", "resolved"}
    if known.state.batch is None:
        raise LedgerFormatError(str(ledger), "the ledger is empty", "submit the sweep again")
    ids = dict(ids_of(known.state))
    known.names = {run_id: name for run_id, name in known.names.items() if run_id in ids}
    for key, run in known.state.runs.items():
        if run.name and run.outcome is not Outcome.SUBMITTED:
            known.keys[run.name] = key
    if plan is not None and plan.sha256 == known.state.batch.plan_sha256:
        for planned in plan:
            known.keys.setdefault(planned.name, planned.key)
    return known
