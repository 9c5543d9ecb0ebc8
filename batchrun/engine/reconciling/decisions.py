"""The decisions a person can make about a run, the objections to them, and the events that record them. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from batchrun.engine.evidence import Fit
from batchrun.engine.listing.held import HeldRun
from batchrun.engine.reconciling.undecided import UndecidedRun
from batchrun.errors import Problem
from batchrun.ledger.events import DroppedEvent, Event, ForeignEvent, ResolvedEvent, SubmittedEvent
from batchrun.ledger.fold import Outcome
from batchrun.wherobots.summaries import is_usable_id

__all__ = ["Choice", "Decision", "adoptable", "choices_of", "events_of", "objections"]

SHOWN_IDS = 5
SHOWN_ID = 40
"""Characters of an id that a message shows: one that the service made up may be endless."""


class Decision(StrEnum):
    """What a person decides about a run."""

    ADOPT = "adopt"
    """Adopt a run that the service holds."""
    RESEND = "resend"
    """Make it pending again: ``submit`` and ``resume`` send it."""
    DROP = "drop"
    """Drop it: do not send it (again)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A decision about one run."""

    run: UndecidedRun
    decision: Decision
    adopted: HeldRun | None = None
    """The run to adopt."""
    not_ours: bool = False
    """With ``RESEND``: existing runs with this name belong to another batch, even if they look like this one's."""


ALLOWED = {
    Decision.ADOPT: frozenset(Outcome) - {Outcome.SUBMITTED},
    Decision.RESEND: frozenset({Outcome.UNKNOWN, Outcome.DROPPED}),
    Decision.DROP: frozenset({Outcome.UNKNOWN, Outcome.PENDING, Outcome.REJECTED, Outcome.FAILED}),
}
"""The outcomes that each decision can change."""
INSTEAD = {
    Outcome.SUBMITTED: "batchrun verify compares it with the service",
    Outcome.PENDING: "batchrun resume sends it",
    Outcome.REJECTED: "batchrun resume --retry rejected sends it again",
    Outcome.FAILED: "batchrun resume --retry failed sends it again",
    Outcome.DROPPED: "--resend makes it pending again",
}
"""What to do where a decision does not apply."""
MAY_BE_OURS = frozenset({Fit.OURS, Fit.ODD})


def adoptable(run: UndecidedRun) -> HeldRun | None:
    """The one run that may be adopted for an undecided one without naming it: the only one held that may be its own.

    Unlike batchrun itself, a person may take one whose payload differs.
    """
    held = [one for one in run.held if one.fit in MAY_BE_OURS and not one.is_foreign and is_usable_id(one.run_id)]
    return held[0] if len(held) == 1 and not run.doubt else None


def objections(choices: Iterable[Choice]) -> Iterator[Problem]:
    """What speaks against recording these decisions."""
    takers: dict[str, UndecidedRun] = {}  # who wants which run: one id must not serve two planned runs
    for choice in choices:
        run = choice.run
        if not _is_allowed(choice.decision, run):
            outcome = f"submitted, as run {run.run_id}" if run.outcome is Outcome.SUBMITTED else run.outcome.value
            yield Problem(run.name, f"is {outcome}; --{choice.decision} does not apply", INSTEAD.get(run.outcome, ""))
        elif choice.decision is Decision.ADOPT:
            yield from _adoption_objections(run, choice.adopted)
            run_id = choice.adopted.run_id if choice.adopted is not None else ""
            if (other := takers.setdefault(run_id, run)) is not run and run_id:
                yield Problem(run.name, f"{run_id} would also be adopted for {other.name}", choices_of(run))
        elif choice.decision is Decision.RESEND and not choice.not_ours:
            yield from _resend_objections(run)


def _is_allowed(decision: Decision, run: UndecidedRun) -> bool:
    """A pending run that may exist is looked for before it is sent: where that is impossible, a person's word is enough."""
    is_held_back = run.outcome is Outcome.PENDING and run.since_s is not None
    return run.outcome in ALLOWED[decision] or (decision is Decision.RESEND and is_held_back)


def _adoption_objections(run: UndecidedRun, held: HeldRun | None) -> Iterator[Problem]:
    if held is None:
        yield Problem(run.name, "there is no run to adopt", choices_of(run))
    elif held.holder is not None:
        whose = (
            "an earlier generation of this run"
            if held.holder == run.key
            else f"another planned run, {held.holder_name or held.holder}"
        )
        yield Problem(run.name, f"{held.run_id} is {whose} already", choices_of(run))
    elif held.name != run.name:
        yield Problem(run.name, f"{held.run_id} is named '{held.name}', not '{run.name}'", choices_of(run))
    elif not is_usable_id(held.run_id):
        yield Problem(run.name, f"'{held.run_id[:SHOWN_ID]}' is not a run id", choices_of(run))


def _resend_objections(run: UndecidedRun) -> Iterator[Problem]:
    if doubtful := [held.run_id[:SHOWN_ID] for held in run.held if held.fit in MAY_BE_OURS and not held.is_foreign]:
        fact = f"the service holds {', '.join(doubtful[:SHOWN_IDS])}, which may be this run; if it is sent again, it could exist twice"
        yield Problem(run.name, fact, "adopt it, or pass --not-ours if it belongs to another batch")


def events_of(choice: Choice, at: str) -> Iterator[Event]:
    """The events that record a choice to which there is no objection."""
    run = choice.run
    match choice.decision:
        case Decision.ADOPT:
            assert choice.adopted is not None  # noqa: S101 - there was no objection
            yield SubmittedEvent(
                at=at,
                key=run.key,
                n=run.n,
                run_id=choice.adopted.run_id,
                name=run.name,
                status=choice.adopted.status,
                point=msgspec.Raw(run.planned.point_json if run.planned is not None else b"{}"),
                via="resolved",
                duplicates=[held.run_id for held in _left_over(choice) if held.is_ours],
                generation=run.generation,
            )
        case Decision.RESEND:
            if others := [held.run_id for held in _left_over(choice)]:
                yield ForeignEvent(at=at, run_ids=others)  # so that none of them is adopted for what is sent next
            yield ResolvedEvent(at=at, key=run.key, n=run.n)
        case Decision.DROP:
            yield DroppedEvent(at=at, key=run.key, n=run.n, name=run.name)


def _left_over(choice: Choice) -> Iterator[HeldRun]:
    """The held runs that a decision leaves without a planned run."""
    for held in choice.run.held:
        is_adopted = choice.adopted is not None and held.run_id == choice.adopted.run_id
        if not is_adopted and held.holder is None and not held.is_foreign and is_usable_id(held.run_id):
            yield held


def choices_of(run: UndecidedRun) -> str:
    """What could be adopted for a run, as the way out of an error."""
    ids = [held.run_id[:SHOWN_ID] for held in run.held if held.holder is None]
    return (
        f"the service holds {', '.join(ids[:SHOWN_IDS])} under this name" if ids else "it holds no run with this name"
    )
