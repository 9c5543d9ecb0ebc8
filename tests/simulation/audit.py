"""What the service holds against what the ledger says, after a history."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from batchrun.engine.listing.known_ids import ids_of
from batchrun.ledger.check import check
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.report.summary import read_summary
from tests.simulation.clock import CLOCK
from tests.simulation.service import HeldRun, Owner, Service
from tests.simulation.sweep import Sweep
from tests.simulation.tracing import Trace
from tests.simulation.verifying import verification, verification_findings

__all__ = ["compacted", "excused", "findings", "state_of", "taken"]


Owned = dict[tuple[str, int], list[HeldRun]]
"""The runs that a ledger's attempts created, by key and generation, in the order of their sending."""


def findings(folder: Path, service: Service, sweep: Sweep, trace: Trace, *, looked_s: float | None = None) -> list[str]:
    """Every way in which a ledger and the service do not fit, or a command does not say what is true.

    ``looked_s``: when the last session began, if it ended by itself.
    """
    found: list[str] = []
    for path in sorted(folder.glob("*.jsonl")):
        state = read_state(path)
        owned = _owned(path.name, state, service)
        found += _twice(owned, service)
        found += _untrue(path.name, state, service)
        found += _lost(state, owned, service)
        found += _sums(path, state)
        found += _check(path, state)
        if path.name == "main.jsonl":
            found += _unfinished(path.name, state, sweep, owned, service)
            organization = _organization(path.name, service)
            if looked_s is not None:
                found += _silent(state, owned, looked_s, service.habits.settle_after_s)
            said = verification(path, sweep.plan(), service, organization, trace)
            found += verification_findings(said, state, owned, service, organization)
    return found


def _silent(state: BatchState, owned: Owned, looked_s: float, settle_after_s: float) -> Iterator[str]:
    """Whatever was made twice and was listed in time for the last look at its name has to be in the ledger by now."""
    taken = {run_id for run_id, _ in ids_of(state)}
    reported = taken.union(*state.duplicates.values())
    for (key, _), runs in owned.items():
        until_s = min(looked_s, max(run.sent_s for run in runs) + settle_after_s)
        # One that a person said does not exist may be taken for the run that was sent on that word, which is then not looked for.
        for run in runs if any(run.id in taken and not run.excuse for run in runs) else ():
            is_listed = run.visible_s < until_s and CLOCK.now_s < run.deleted_s
            if is_listed and run.id not in reported and not (run.excuse or run.is_forgotten):
                yield f"silent: {run.name} ({key}) was also made as {run.id}, and the ledger does not say so"


def _organization(ledger: str, service: Service) -> str:
    """The one that holds the ledger's latest run."""
    return next(
        (run.organization for run in reversed(service.runs) if run.owner is not None and run.owner[0] == ledger), "acme"
    )


def state_of(content: bytes, path: Path) -> BatchState:
    """The state of a ledger with this content, which nobody changes; ``path`` is used and removed."""
    return _folded(content, path) if b"\n" in content else BatchState()


@lru_cache(maxsize=4)
def _folded(content: bytes, path: Path) -> BatchState:
    """Kept for a while: what a session left is asked for several times."""
    path.write_bytes(content)
    try:
        return read_state(path)
    finally:
        path.unlink()


def compacted(before: BatchState, after: BatchState) -> Iterator[str]:
    """What compaction changed, and must not."""
    for name in ("counts", "gone", "duplicates", "to_check", "foreign", "organization"):
        if getattr(before, name) != getattr(after, name):
            yield f"compact: {name} was {getattr(before, name)}, and is {getattr(after, name)}"
    if sorted(ids_of(before)) != sorted(ids_of(after)):
        yield "compact: run ids were lost"
    steered = ({key: (run.generation, run.overrides) for key, run in state.runs.items()} for state in (before, after))
    if next(steered) != next(steered):
        yield "compact: generations were lost"


def _owned(ledger: str, state: BatchState, service: Service) -> Owned:
    owned: defaultdict[tuple[str, int], list[HeldRun]] = defaultdict(list)
    for run in service.runs:
        if run.owner is None or run.owner.ledger != ledger or run.id in state.foreign or run.is_disowned:
            continue
        if run.committed_s <= CLOCK.now_s:
            owned[run.owner.key, run.owner.generation].append(run)
    return owned


def excused(folder: Path, service: Service) -> dict[str, int]:
    """Runs that were made twice or taken over where no client could know better, by the reason."""
    reasons = Counter[str]()
    for path in folder.glob("*.jsonl"):
        for runs in _owned(path.name, read_state(path), service).values():
            for number, later in enumerate(runs):
                earlier = [run for run in runs[:number] if run.deleted_s > later.sent_s]
                reasons.update({run.excuse or "late" for run in earlier[:1]})
    return dict(reasons)


def _twice(owned: Owned, service: Service) -> Iterator[str]:
    for (key, _), runs in owned.items():
        for number, later in enumerate(runs):
            for earlier in runs[:number]:
                if earlier.deleted_s > later.sent_s and not _could_not_be_known(earlier, later, service):
                    yield f"twice: {earlier.name} ({key}) is {earlier.id}, and was sent again as {later.id}"


LOOK_S = 1.0
"""The last look before a run is sent again is not longer ago, its own duration included."""


def _could_not_be_known(run: HeldRun, later: HeldRun, service: Service) -> bool:
    """Whether no client could know of a run when it sent the next attempt: it looks right before, if its ledger has the run."""
    return bool(run.excuse) or (
        run.visible_s > run.lost_s + service.habits.settle_after_s
        and (run.is_forgotten or run.visible_s > later.sent_s - LOOK_S)
    )


def _is_excused(run: HeldRun, service: Service) -> bool:
    """Whether no client could know of a run when it sent the next attempt."""
    return bool(run.excuse) or run.visible_s > run.lost_s + service.habits.settle_after_s


def _untrue(ledger: str, state: BatchState, service: Service) -> Iterator[str]:
    by_id = {run.id: run for run in service.runs}
    ids = Counter(run_id for run_id, _ in ids_of(state))
    yield from (f"untrue: {run_id} is the run of {count} keys" for run_id, count in ids.items() if count > 1)
    for key, generation, run_id in taken(state):
        held = by_id.get(run_id)
        if held is None:
            yield f"untrue: {key} is {run_id}, which never existed"
        elif held.owner != (ledger, key, generation) and not held.excuse:
            yield f"untrue: generation {generation} of {key} is {run_id}, which is {held.name} of {held.owner}"


def _lost(state: BatchState, owned: Owned, service: Service) -> Iterator[str]:
    for (key, generation), runs in owned.items():
        alive = [run for run in runs if run.visible_s <= CLOCK.now_s < run.deleted_s]
        if not alive or alive[0].excuse:
            continue
        run, known, outcome = alive[0], state.runs.get(key), state.outcome(key)
        if known is not None and generation != known.generation and alive[0].is_doubted:
            continue  # `recover` said so, and `verify` has to report it
        if known is None or generation > known.generation:
            yield f"lost: {run.name} ({key}) exists as {run.id}, and the ledger has no attempt of it"
        elif generation < known.generation:
            if not any(earlier.generation == generation for earlier in known.earlier):
                yield f"lost: {run.name} ({key}) exists as {run.id}, and was run again without being known"
        elif not _is_excused(run, service) and outcome not in {Outcome.SUBMITTED, Outcome.UNKNOWN}:
            yield f"untrue: {run.name} ({key}) exists as {run.id}, the ledger says {outcome}"


def taken(state: BatchState) -> Iterator[tuple[str, int, str]]:
    """The run ids that a ledger knows, by key and generation."""
    for key, known in state.runs.items():
        yield from ((key, earlier.generation, earlier.run_id) for earlier in known.earlier)
        if known.run_id is not None:
            yield key, known.generation, known.run_id


def _unfinished(ledger: str, state: BatchState, sweep: Sweep, owned: Owned, service: Service) -> Iterator[str]:
    """After a calm session, every planned run exists, except where no client may decide."""
    planned = {key: name for (name, _), key in sweep.keys().items()}
    alive = {run.id for run in service.existing()}
    is_provable = not service.habits.hides_organization and any(run_id in alive for run_id, _ in ids_of(state))
    if state.organization is None and state.unknown and not is_provable:
        return  # nothing may prove that the key is the batch's: then nothing is sent, and a person decides
    for key in {**planned, **dict.fromkeys(state.runs)}:
        known, outcome = state.runs.get(key), state.outcome(key)
        if outcome in {Outcome.SUBMITTED, Outcome.DROPPED} or (key not in planned and outcome is not Outcome.UNKNOWN):
            continue
        name = (known.name if known is not None else None) or planned.get(key) or ""
        is_created = known is not None and (
            known.created or known.n == 0
        )  # by whom, if not by an attempt of this ledger?
        runs = owned.get((key, known.generation if known is not None else 1), [])
        others = [run for run in service.runs if run.name == name and _is_anothers(run, Owner(ledger, key, 1), state)]
        if outcome is not Outcome.UNKNOWN or not _needs_a_person(runs, others, is_created=is_created):
            yield f"unfinished: {name} ({key}) is {outcome} after the end"


def _is_anothers(run: HeldRun, own: Owner, state: BatchState) -> bool:
    """Whether a run may be taken for one that it is not.

    The ledger that knew better may have been replaced by an older one:
    so a run that was declared to be another batch's, or one with another payload. So may a run of which a person decided that
    it does not exist.
    """
    if run.owner is None or run.owner.ledger != own.ledger:
        return True
    is_forgotten = (run.is_forgotten or bool(run.excuse)) and run.owner.key != own.key
    return (run.is_disowned or is_forgotten) and run.id not in state.foreign


def _needs_a_person(runs: list[HeldRun], others: list[HeldRun], *, is_created: bool) -> bool:
    """Why an unknown run may stay so: its own runs, others of its name, or a key that nobody can tell."""
    alive = [run for run in runs if CLOCK.now_s < run.deleted_s]
    return (
        is_created
        or len(alive) > 1
        or any(run.is_normalised for run in alive)
        or any(run.owner is None or run.excuse or run.is_disowned or run.is_forgotten for run in others)
    )


def _sums(path: Path, state: BatchState) -> Iterator[str]:
    summary, planned = read_summary(path), state.batch.runs if state.batch is not None else 0
    counted = Counter(run.outcome for run in state.runs.values() if run.is_planned)
    for outcome in Outcome:
        if (
            outcome is not Outcome.PENDING
            and not counted[outcome] == state.counts[outcome] == summary.outcomes[outcome]
        ):
            yield f"sums: {outcome}: {counted[outcome]}, {state.counts[outcome]}, {summary.outcomes[outcome]}"
    if sum(summary.outcomes.values()) != planned:
        yield f"sums: the outcomes of the summary do not add up to {planned}"


def _check(path: Path, state: BatchState) -> Iterator[str]:
    """``ledger check`` reports the duplicates that the ledger knows, and nothing else."""
    facts = [finding.fact for finding in check(path).findings]
    for fact in facts:
        if not fact.startswith("the service holds"):
            yield f"check: {fact}"
    for key in state.duplicates:
        if not any(key in fact for fact in facts):
            yield f"check says nothing of the duplicates of {key}"
