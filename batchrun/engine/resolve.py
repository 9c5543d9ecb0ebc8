"""A person decides about runs whose outcome stays unknown: adopt a run of the service, send it again, or drop it.

``find_doubtful`` shows what the service holds under each name, and ``resolve`` records the decision.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum

import anyio.to_thread
import msgspec

from batchrun.engine.evidence import MARGIN_S, Fit, Sought, fit
from batchrun.engine.organization import check_organization, check_submitted_ids
from batchrun.engine.reading_pace import ReadingPace
from batchrun.engine.scan import Scanner
from batchrun.engine.tagging import Tagging
from batchrun.errors import UsageError
from batchrun.ledger.created import created_runs
from batchrun.ledger.events import DroppedEvent, ResolvedEvent, SubmittedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.summaries import RunSummary, is_usable_id

__all__ = ["Decision", "DoubtfulRun", "HeldRun", "check_decision", "find_adoptable", "find_doubtful", "resolve"]


class Decision(StrEnum):
    """What a person decides about a run."""

    ADOPT = "adopt"
    """It is a run that the service holds."""
    RESEND = "resend"
    """It is pending again: ``submit`` and ``resume`` send it."""
    DROP = "drop"
    """It is not to be sent (again)."""


ALLOWED = {
    Decision.ADOPT: frozenset(Outcome) - {Outcome.SUBMITTED},
    Decision.RESEND: frozenset({Outcome.UNKNOWN, Outcome.DROPPED}),
    Decision.DROP: frozenset({Outcome.UNKNOWN, Outcome.PENDING, Outcome.REJECTED, Outcome.FAILED}),
}
"""The outcomes that each decision can change."""
INSTEAD = {
    Outcome.SUBMITTED: "the ledger knows the run; batchrun verify compares it with the service",
    Outcome.PENDING: "batchrun resume sends it",
    Outcome.REJECTED: "batchrun resume --retry rejected sends it again",
    Outcome.FAILED: "batchrun resume --retry failed sends it again",
    Outcome.DROPPED: "--resend makes it pending again",
}
"""What to do where a decision does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A run that the service holds under the name of a doubtful one."""

    run_id: str
    name: str | None
    status: str | None
    create_time: str | None
    fit: Fit
    is_compared: bool
    """Whether the payloads could be compared: the plan can still be made, and the service shows the run's payload."""
    holder: str | None = None
    """The key of the planned run that has this id in the ledger, if it is another one's."""
    is_foreign: bool = False
    """A person said earlier that the run belongs to another batch."""

    @property
    def payload(self) -> str:
        """How its payload relates to the planned one: fits, differs, or not compared."""
        if self.holder is not None:
            return f"the run of {self.holder}"
        if self.is_foreign:
            return "another batch's"
        match self.fit:
            case Fit.OURS:
                return "fits" if self.is_compared else "not compared"
            case Fit.ODD:
                return "differs"
            case Fit.FOREIGN:
                return "created before the first attempt"
            case Fit.OTHER:
                return "another name"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulRun:
    """A planned run that a person decides about, and what the service holds under its name."""

    key: str
    name: str
    outcome: Outcome
    n: int
    """Attempts so far."""
    since_s: float | None = None
    planned: PlannedRun | None = None
    """None if the plan does not contain it any more, or cannot be made again."""
    run_id: str | None = None
    held: tuple[HeldRun, ...] = ()
    is_complete: bool = True
    """Whether the list of its name was read to its end."""


async def find_doubtful(
    ledger: FileLedger,
    plan: Plan | None,
    client: RunsClient,
    decision: Decision,
    words: Collection[str] | None,
) -> tuple[DoubtfulRun, ...]:
    """The runs with these names or keys, or all unknown ones without ``words``, and what the service holds of each.

    Raises:
        UsageError: no run has that name or key, or the decision does not apply to it.
        LedgerMismatchError: the API key belongs to another organisation than the batch.
        ApiError: the service cannot be asked.

    """
    runs = await anyio.to_thread.run_sync(lambda: _targets(ledger, plan, words))
    for run in runs:
        check_decision(run, decision)
    place, state = str(ledger.path), ledger.state
    if await check_organization(state, client, place) is None or state.organization is None:
        await check_submitted_ids(state, client, place)
    scanner, held_by = Scanner(client, ReadingPace().wait), _Held(state, plan)
    found = []
    for run in runs:
        listed, is_complete = await scanner.named(run.name)
        held = tuple(held_by.compare(run, one) for one in listed)
        found.append(replace(run, held=held, is_complete=is_complete))
    return tuple(found)


async def find_adoptable(
    ledger: FileLedger, plan: Plan | None, client: RunsClient, run: DoubtfulRun, run_id: str
) -> HeldRun:
    """The run to adopt, which must be one of the service's, under this name, and no other planned run's.

    Its payload may differ: ``fit`` says so, and a person decides.

    Raises:
        UsageError: it cannot be adopted.
        ApiError: the service cannot be asked.

    """
    if not is_usable_id(run_id):
        raise UsageError("--adopt", f"'{run_id[:40]}' is not a run id", "give the id of a run of the service")
    summary = await Scanner(client, ReadingPace().wait).run(run_id)
    if summary is None or summary.id != run_id:
        raise UsageError("--adopt", f"the service knows no run {run_id}", _choices(run))
    adoptable = _Held(ledger.state, plan).compare(run, summary)
    if adoptable.holder is not None:
        fact = f"{run_id} is the run of another planned run, {adoptable.holder}"
        raise UsageError("--adopt", fact, _choices(run))
    if adoptable.fit is Fit.OTHER:
        raise UsageError("--adopt", f"{run_id} is named '{summary.name}', not '{run.name}'", _choices(run))
    return adoptable


def check_decision(run: DoubtfulRun, decision: Decision) -> None:
    """Refuse a decision that does not apply to the run's outcome.

    Raises:
        UsageError: it does not.

    """
    if run.outcome not in ALLOWED[decision]:
        outcome = f"submitted, as run {run.run_id}" if run.outcome is Outcome.SUBMITTED else run.outcome.value
        raise UsageError(run.name, f"is {outcome}; --{decision} does not apply", INSTEAD.get(run.outcome, ""))


async def resolve(
    ledger: FileLedger, runs: Sequence[DoubtfulRun], decision: Decision, adopted: HeldRun | None = None
) -> None:
    """Record what a person decided, durably. ``adopted`` is the run to take over, for one doubtful run.

    Raises:
        LedgerWriteError: it cannot be recorded.

    """
    at = ledger.clock.stamp()
    for run in runs:
        event = _event(run, decision, adopted, at)
        ledger.record(event)
        fold(ledger.state, event)
    await ledger.flush()


def _event(
    run: DoubtfulRun, decision: Decision, adopted: HeldRun | None, at: str
) -> SubmittedEvent | ResolvedEvent | DroppedEvent:
    match decision:
        case Decision.ADOPT:
            assert adopted is not None  # noqa: S101 - the caller found it with find_adoptable
            return SubmittedEvent(
                at=at,
                key=run.key,
                n=run.n,
                run_id=adopted.run_id,
                name=run.name,
                status=adopted.status,
                point=msgspec.Raw(run.planned.point_json if run.planned is not None else b"{}"),
                via="resolved",
            )
        case Decision.RESEND:
            return ResolvedEvent(at=at, key=run.key, n=run.n)
        case Decision.DROP:
            return DroppedEvent(at=at, key=run.key, n=run.n, name=run.name)


class _Held:
    """Compares listed runs with doubtful ones, by the rules of ``evidence``."""

    def __init__(self, state: BatchState, plan: Plan | None) -> None:
        batch_id = state.batch.batch_id if state.batch is not None else None
        self._tagging = Tagging(batch_id if plan is not None and plan.submit.tag else None)
        self._foreign = state.foreign
        self._holders = {run.run_id: key for key, run in state.runs.items() if run.run_id is not None}

    def compare(self, run: DoubtfulRun, listed: RunSummary) -> HeldRun:
        body = None if run.planned is None else run.planned.keyed_body or run.planned.body
        sought = Sought(
            name=run.name,
            created_from_s=(run.since_s or 0.0) - MARGIN_S,
            body=body,
            tag=self._tagging.tag_of(run.key),
        )
        holder = self._holders.get(listed.id)
        return HeldRun(
            run_id=listed.id,
            name=listed.name,
            status=listed.status,
            create_time=listed.create_time,
            fit=fit(listed, sought, is_taken=lambda _: False),
            is_compared=body is not None and listed.payload is not None,
            holder=holder if holder != run.key else None,
            is_foreign=listed.id in self._foreign,
        )


def _targets(ledger: FileLedger, plan: Plan | None, words: Collection[str] | None) -> list[DoubtfulRun]:
    """The runs that the words name, in the order of the words; all unknown ones in the order of the ledger."""
    state = ledger.state
    if words is None:
        wanted = {key for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN}
        planned = {run.key: run for run in plan or () if run.key in wanted}
        found = (_doubtful(state, key, planned.get(key)) for key in state.runs if key in wanted)
        return [run for run in found if run.name]  # version 0.1 recorded no names
    by_word = {word: run for run in _candidates(ledger, plan) for word in (run.name, run.key) if word in words}
    for word in words:
        if word not in by_word:
            names = [run.name for run in _candidates(ledger, plan)]
            raise UsageError(word, "no run of this batch has this name or key", _similar(word, names))
    return list({by_word[word].key: by_word[word] for word in words}.values())


def _candidates(ledger: FileLedger, plan: Plan | None) -> Iterator[DoubtfulRun]:
    """Every run of the batch that has a name; one that is still planned comes last, with its payload."""
    state = ledger.state
    for event in created_runs(ledger.path):
        yield replace(_doubtful(state, event.key, None), name=event.name)
    for key, run in state.runs.items():
        if run.name:
            yield _doubtful(state, key, None)
    for planned in plan or ():
        yield _doubtful(state, planned.key, planned)


def _doubtful(state: BatchState, key: str, planned: PlannedRun | None) -> DoubtfulRun:
    known = state.runs.get(key)
    name = planned.name if planned is not None else (known.name if known is not None else None) or ""
    if known is None:
        return DoubtfulRun(key=key, name=name, outcome=Outcome.PENDING, n=0, planned=planned)
    return DoubtfulRun(
        key=key,
        name=name,
        outcome=known.outcome,
        n=known.n,
        since_s=known.since_s,
        planned=planned,
        run_id=known.run_id,
    )


def _similar(word: str, names: Iterable[str]) -> str:
    close = get_close_matches(word, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else "batchrun plan SWEEP --all shows the names"


def _choices(run: DoubtfulRun) -> str:
    ids = [held.run_id for held in run.held if held.holder is None]
    return f"the service holds {', '.join(ids[:5])} under this name" if ids else "it holds no run of this name"
