"""Where a ledger and the service disagree. Pure; `batchrun.engine.reconciling.verify` asks the service."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from batchrun.engine.evidence import Fit
from batchrun.engine.listing.held import HeldRun, HeldRuns
from batchrun.engine.listing.known_ids import ids_of
from batchrun.engine.listing.known_runs import KnownRuns
from batchrun.ledger.fold import Outcome
from batchrun.sweep.plan import PlannedRun
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Mismatch", "MismatchKind", "Seen", "mismatches"]


class MismatchKind(StrEnum):
    """How the ledger and the service disagree about a name."""

    MISSING = "missing"
    """The service does not know a run that was created according to the ledger."""
    RENAMED = "renamed"
    """The run in the ledger has a different name at the service."""
    TWICE = "twice"
    """The service holds more runs with this name than the ledger."""
    UNKNOWN = "unknown"
    """The ledger does not know whether the run exists; ``held`` is what the service returned."""
    FOREIGN = "foreign"
    """The service holds a run whose name this ledger has not created, or that cannot belong to this batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One name about which the ledger and the service disagree."""

    kind: MismatchKind
    name: str
    key: str
    outcome: Outcome
    """The planned run's outcome in the ledger."""
    attempts: int
    run_id: str | None = None
    """The ledger's run."""
    found_name: str | None = None
    """For a renamed run: its name at the service."""
    held: tuple[HeldRun, ...] = ()
    """The runs at the service that are not in the ledger, oldest first."""
    to_cancel: tuple[str, ...] = ()
    """Those of them that an attempt of this batch created in addition to the ledger's run."""
    is_later_rerun: bool = False
    """The name belongs to a rerun that is not in the ledger: a newer ledger was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the service showed."""

    missing: Collection[str]
    """Ids of the ledger's that it does not know."""
    renamed: Mapping[str, str | None]
    """Names that it gives to ids of the ledger's, where they are not the ledger's."""
    strangers: Collection[RunSummary]
    """Runs of the batch's names whose ids the ledger does not know."""
    respelled: Mapping[str, str] = field(default_factory=dict)
    """By the ids of those that are listed under another spelling: the batch's names."""


def mismatches(
    known: KnownRuns, seen: Seen, compared: HeldRuns, planned: Callable[[str], PlannedRun | None]
) -> Iterator[Mismatch]:
    """Where ledger and service disagree. ``planned`` returns the planned run of a key, if it can still be made."""
    keys = dict(ids_of(known.state)) if seen.missing or seen.renamed else {}
    for run_id in seen.missing:
        yield _of_id(known, MismatchKind.MISSING, keys[run_id], run_id)
    for run_id, name in seen.renamed.items():
        yield _of_id(known, MismatchKind.RENAMED, keys[run_id], run_id, found_name=name)
    by_name = _by_name(known, seen)
    for key, run in known.state.runs.items():
        name = run.name or ""
        # A point whose payload was changed has two keys under one name, and what is held is shown with one of them.
        if run.outcome is Outcome.UNKNOWN and (name not in by_name or known.keys[name] != key):
            yield _of_key(known, MismatchKind.UNKNOWN, key, name)
    for name, listed in by_name.items():
        key, generation = known.place(name) or ("", 1)
        # A rerun may have other settings than the plan.
        sent = planned(key) if generation == 1 else None
        held = tuple(_compare(known, name, listed, compared=compared, planned=sent))
        yield from _of_held(known, name, held, key=key, generation=generation)


def _by_name(known: KnownRuns, seen: Seen) -> dict[str, list[RunSummary]]:
    by_name: dict[str, list[RunSummary]] = {}
    for run in sorted(seen.strangers, key=lambda run: run.create_time or ""):
        name = seen.respelled.get(run.id, run.name)
        if run.id not in known.names and name is not None and name in known:
            by_name.setdefault(name, []).append(run)
    return by_name


def _compare(
    known: KnownRuns,
    name: str,
    listed: Iterable[RunSummary],
    *,
    compared: HeldRuns,
    planned: PlannedRun | None,
) -> Iterator[HeldRun]:
    key, generation = known.place(name) or ("", 1)
    run = known.state.runs.get(key)
    for one in listed:
        since_s = known.began_s
        if run is not None and run.n == 0:
            since_s = 0.0  # taken over: another ledger sent it, and nobody knows when
        elif run is not None and run.since_s is not None and _outcome(known, key, generation) is not Outcome.SUBMITTED:
            since_s = run.since_s
        yield compared.compare(one, name=name, key=key, since_s=since_s, planned=planned, generation=generation)


def _outcome(known: KnownRuns, key: str, generation: int) -> Outcome:
    """What became of a generation of a planned run: only one that was submitted is rerun."""
    present = _generation(known, key)
    if generation == present:
        return known.state.outcome(key)
    return Outcome.SUBMITTED if generation < present else Outcome.PENDING


def _generation(known: KnownRuns, key: str) -> int:
    run = known.state.runs.get(key)
    return run.generation if run is not None else 1


def _of_held(
    known: KnownRuns, name: str, held: tuple[HeldRun, ...], *, key: str, generation: int
) -> Iterator[Mismatch]:
    """What the runs under one name come to. Those that a person declared to be another batch's are not news."""
    news = tuple(one for one in held if not one.is_foreign)
    outcome = _outcome(known, key, generation)
    if outcome is Outcome.UNKNOWN:
        yield _of_key(known, MismatchKind.UNKNOWN, key, name, held=held)
        return
    may_be_ours = tuple(one for one in news if one.fit is not Fit.FOREIGN)
    if key in known.state.runs and outcome is Outcome.SUBMITTED and may_be_ours:
        # A run that was sent once cannot have been made twice by this ledger: the other may be another ledger's.
        is_resent = known.attempts(key, generation) > 1
        # The name of a rerun is this batch's own; under any other, only the payload shows that nobody else made the run.
        ours = (one for one in may_be_ours if one.is_ours and (one.is_compared or generation > 1))
        to_cancel = tuple(one.run_id for one in ours) if is_resent else ()
        yield _of_key(known, MismatchKind.TWICE, key, name, held=may_be_ours, to_cancel=to_cancel)
        news = tuple(one for one in news if one.fit is Fit.FOREIGN)
    if news:
        found = _of_key(known, MismatchKind.FOREIGN, key, name, held=news)
        is_later = generation > _generation(known, key)
        yield replace(found, outcome=outcome, run_id=None, attempts=0, is_later_rerun=True) if is_later else found


def _of_id(known: KnownRuns, kind: MismatchKind, key: str, run_id: str, *, found_name: str | None = None) -> Mismatch:
    run = known.state.runs[key]
    name = known.names.get(run_id, "")
    return Mismatch(
        kind=kind, name=name, key=key, outcome=run.outcome, attempts=run.n, run_id=run_id, found_name=found_name
    )


def _of_key(
    known: KnownRuns,
    kind: MismatchKind,
    key: str,
    name: str,
    *,
    held: tuple[HeldRun, ...] = (),
    to_cancel: tuple[str, ...] = (),
) -> Mismatch:
    run = known.state.runs.get(key)
    return Mismatch(
        kind=kind,
        name=name,
        key=key,
        outcome=known.state.outcome(key),
        attempts=run.n if run is not None else 0,
        run_id=run.run_id if run is not None else None,
        held=held,
        to_cancel=to_cancel,
    )
