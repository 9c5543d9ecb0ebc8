"""The runs of a batch that a person decides about, found by name or key."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from batchrun.engine.generations import Generations, generations_of
from batchrun.engine.listing.held import HeldRun
from batchrun.errors import Problem, UsageError
from batchrun.ledger.created import created_runs
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["UndecidedRun", "undecided_runs"]

SIMILAR = 3
MOST_COMPARED = 10_000
"""Names among which similar ones are looked for: beyond that, a suggestion would take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndecidedRun:
    """A planned run for a person to decide about, and the runs that the service holds under its name."""

    key: str
    name: str
    outcome: Outcome
    n: int = 0
    """Attempts so far."""
    generation: int = 1
    since_s: float | None = None
    """When the first attempt that may have created the run began, in epoch seconds by the server's clock."""
    reason: str = ""
    """Why it is unknown, according to the ledger."""
    planned: PlannedRun | None = None
    """The run as it was last sent; None if the plan no longer contains it or cannot be rebuilt."""
    run_id: str | None = None
    held: tuple[HeldRun, ...] = ()
    """The runs that the service lists under exactly this name."""
    doubt: str = ""
    """Why ``held`` may be incomplete: the list was refused, or was cut short. Empty if it is complete."""


def undecided_runs(
    state: BatchState, ledger: Path, plan: Plan | None, words: Collection[str] | None
) -> tuple[UndecidedRun, ...]:
    """The runs with these names or keys, in the order of the words; without ``words``, all unknown ones.

    A changed setting gives a point another key under the same name. Such a name selects the runs that are unknown; if none
    is, the planned one.

    Raises:
        UsageError: no run has one of the names or keys.
        LedgerError: the ledger cannot be read.

    """
    generations = _generations(state, plan)
    if words is None:
        wanted = {key for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN}
        planned = {run.key: generations.planned(run) for run in plan or () if run.key in wanted} if wanted else {}
        return tuple(_of(state, key, planned.get(key)) for key in state.runs if key in wanted)
    found = _by_word(_candidates(state, plan, generations), words)
    # Read only now: the ledger of a million runs takes seconds, and most words are names that the plan has.
    if len(found) < len(set(words)):  # the state holds no names of submitted runs: the plan has them, or the ledger
        found |= _by_word(_submitted(state, ledger), set(words) - found.keys())
    if missing := [word for word in words if word not in found]:
        names = list(dict.fromkeys(run.name for run in islice(_candidates(state, plan, generations), MOST_COMPARED)))
        raise UsageError.of(
            Problem(word, "no run of this batch has this name or key", _similar(word, names)) for word in missing
        )
    return tuple({run.key: run for word in words for run in _selected(found[word])}.values())


def _by_word(runs: Iterable[UndecidedRun], words: Collection[str]) -> dict[str, dict[str, UndecidedRun]]:
    """By word and by key; of two descriptions of a run, the later one counts."""
    found: dict[str, dict[str, UndecidedRun]] = {}
    for run in runs:
        for word in {run.key, run.name}.intersection(words):
            by_key = found.setdefault(word, {})
            by_key.pop(run.key, None)
            by_key[run.key] = run
    return found


def _selected(runs: Mapping[str, UndecidedRun]) -> list[UndecidedRun]:
    unknown = [run for run in runs.values() if run.outcome is Outcome.UNKNOWN]
    return unknown or list(runs.values())[-1:]


def _generations(state: BatchState, plan: Plan | None) -> Generations:
    """What reruns are called and send; where they cannot be planned again, their payloads are not compared."""
    try:
        return generations_of(plan, state) if plan is not None else Generations()
    except UsageError:
        return Generations()


def _candidates(state: BatchState, plan: Plan | None, generations: Generations) -> Iterator[UndecidedRun]:
    """Every run whose name is known; one that is still planned comes last, with its payload."""
    for key, run in state.runs.items():
        if run.name:
            yield _of(state, key, None)
    for planned in plan or ():
        yield _of(state, planned.key, generations.planned(planned))


def _submitted(state: BatchState, ledger: Path) -> Iterator[UndecidedRun]:
    for event in created_runs(ledger):
        yield _of(state, event.key, None, name=event.name)


def _of(state: BatchState, key: str, planned: PlannedRun | None, *, name: str = "") -> UndecidedRun:
    known = state.runs.get(key)
    planned_name = planned.name if planned is not None else ""
    if known is None:
        return UndecidedRun(key=key, name=planned_name or name, outcome=Outcome.PENDING, planned=planned)
    return UndecidedRun(
        key=key,
        name=known.name or planned_name or name,  # a rerun has a name of its own
        outcome=known.outcome,
        n=known.n,
        generation=known.generation,
        since_s=known.since_s,
        reason=(known.trouble.message or "") if known.trouble is not None else "",
        # Under another name, it is not what was sent last, and must not be compared with what is held.
        planned=planned if planned is not None and planned.name == (known.name or planned.name) else None,
        run_id=known.run_id,
    )


def _similar(word: str, names: list[str]) -> str:
    close = get_close_matches(word, names, n=SIMILAR, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else "batchrun plan SWEEP --all lists the names"
