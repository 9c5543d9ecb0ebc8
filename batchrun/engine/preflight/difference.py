"""The difference between the plan in a ledger and the current plan."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from batchrun.engine.environment import changed_values
from batchrun.engine.listing.explained import UNCLEAR
from batchrun.ledger.events import BatchEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.ledger.reader import read_events
from batchrun.sweep.plan import Plan

__all__ = ["CreatedPoints", "Difference", "changed_files", "created_points", "difference", "is_changed"]

SHOWN = 10
"""Names of new runs that are kept, for a document."""
NAMED = 3
"""Names of new runs that a sentence shows: enough to recognize a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a plan differs from the batch in a ledger, by key."""

    new: int
    """Planned now, and not in the ledger's plan as far as that is known."""
    gone: int
    """In the ledger's plan, and no longer planned."""
    gone_keys: tuple[str, ...]
    """Their keys."""
    submitted: int
    """Planned now and already submitted."""
    recreated: int
    """Planned now under a new key, although a run of the same name or the same point was created: it would run again."""
    files: tuple[str, ...]
    """Data files whose content changed."""
    is_same: bool
    """The plan is the one that the ledger began with."""
    new_names: tuple[str, ...] = ()
    """The first few of the new runs."""

    def describe(self) -> str:
        """What changed, in numbers and a few names."""
        counts = f"{self.new:,} new, {self.gone:,} removed, {self.submitted:,} already submitted"
        more = ", ..." if self.new > NAMED else ""
        names = f" (new: {', '.join(self.new_names[:NAMED])}{more})" if self.new else ""
        files = f"; changed: {', '.join(self.files)}" if self.files else ""
        return f"{counts}{names}{files}"


@dataclass(frozen=True, slots=True)
class CreatedPoints:
    """What the created runs of a ledger were: their names, and their points as canonical JSON."""

    names: set[str] = field(default_factory=set)
    points: set[bytes] = field(default_factory=set)


def created_points(ledger: Path, state: BatchState) -> CreatedPoints:
    """The names and points of the runs that exist, or may exist, as far as the ledger knows.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    created = CreatedPoints(names={run.name for run in state.runs.values() if run.name and _may_exist(run)})
    for event in read_events(ledger) if state.counts[Outcome.SUBMITTED] + state.gone[Outcome.SUBMITTED] else ():
        if type(event) is SubmittedEvent:
            created.names.add(event.name)
            # An empty point is one that was not known: it would match every other one.
            if len(event.point) > len(b"{}"):
                created.points.add(bytes(event.point))
    return created


def _may_exist(run: RunState) -> bool:
    """One that is pending, rejected or failed was found not to exist, and is looked for before a run of its name is sent."""
    return run.since is not None and run.outcome in UNCLEAR


def difference(
    plan: Plan,
    state: BatchState,
    earlier: Collection[str] | None = None,
    *,
    created: CreatedPoints | None = None,
) -> Difference:
    """What changed between a ledger's plan and this one.

    ``earlier`` holds the keys of the ledger's own plan if it could be rebuilt. Without it, a run that the ledger never
    attempted counts as new.
    """
    batch = state.batch
    known = state.runs if earlier is None else earlier
    keys: set[str] = set()
    new: list[str] = []
    submitted = new_count = recreated = 0
    created = created or CreatedPoints()
    for run in plan:
        keys.add(run.key)
        submitted += state.outcome(run.key) is Outcome.SUBMITTED
        if run.key not in state.runs and (run.name in created.names or run.point_json in created.points):
            recreated += 1
        if run.key not in known:
            new_count += 1
            new += [run.name] if len(new) < SHOWN else []
    gone = [key for key in known if key not in keys]
    return Difference(
        new=new_count,
        gone=len(gone),
        gone_keys=tuple(gone),
        recreated=recreated,
        submitted=submitted,
        files=changed_files(plan, batch),
        is_same=batch is not None and batch.plan_sha256 == plan.sha256,
        new_names=tuple(new),
    )


def changed_files(plan: Plan, batch: BatchEvent | None) -> tuple[str, ...]:
    """The inputs of the plan that read differently now: data files, and ``env.NAME`` for environment values.

    An input that the batch has no digest of counts as changed: nothing says that it is the same.
    """
    if batch is None:
        return ()
    before = {file.path: file.sha256 for file in batch.files}
    files = [file.path for file in plan.files if before.get(file.path) != file.sha256]
    return (*files, *(f"env.{name}" for name in changed_values(plan.environment, batch)))


def is_changed(plan: Plan, batch: BatchEvent) -> bool:
    """Whether other runs would be sent, or the same runs with other environment values in them.

    A data file may change without changing the plan, for example by a comment; environment values are not part of a key,
    so the plan's digest cannot show that they changed.
    """
    if batch.plan_sha256 != plan.sha256:
        return True
    return bool(changed_values(plan.environment, batch))
