"""Adopt runs that the service lists under planned names: the events that record it. Pure."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from batchrun.engine.evidence import MARGIN_S, Evidence, Finding, Sought, weigh
from batchrun.engine.generations import Generations
from batchrun.engine.rerun_names import generation_in
from batchrun.ledger.events import DuplicatesEvent, Event, RerunEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.state import BatchState, Outcome
from batchrun.sweep.plan import PlannedRun
from batchrun.wherobots.summaries import RunSummary

__all__ = ["adoption", "adoptions"]


def adoptions(
    found: Iterable[tuple[RunSummary, PlannedRun]],
    state: BatchState,
    generations: Generations,
    stamp: Callable[[], str],
) -> Iterator[Event]:
    """The events that adopt listed runs which the ledger does not know, the first generation of each run first.

    The caller folds each event into ``state`` before it asks for the next one.
    """
    by_run: dict[tuple[str, int], tuple[PlannedRun, list[RunSummary]]] = {}
    for listed, planned in found:
        generation = 1 if listed.name == planned.name else generation_in(listed.name or "")
        by_run.setdefault((planned.key, generation), (planned, []))[1].append(listed)
    for (_, generation), (planned, runs) in sorted(by_run.items(), key=lambda item: item[0][1]):
        yield from _of_generation(planned, generation, runs, state=state, generations=generations, at=stamp())


def _of_generation(
    planned: PlannedRun,
    generation: int,
    runs: list[RunSummary],
    *,
    state: BatchState,
    generations: Generations,
    at: str,
) -> Iterator[Event]:
    known = state.runs.get(planned.key)
    present, outcome = (known.generation, known.outcome) if known is not None else (1, Outcome.PENDING)
    n, name = known.n if known is not None else 0, runs[0].name or planned.name
    if generation < present or (generation == present and outcome is Outcome.SUBMITTED):
        # One that is submitted keeps its run: the others were made in addition to it.
        yield DuplicatesEvent(at=at, key=planned.key, run_ids=[run.id for run in runs])
        return
    # A rerun is created only after the run before it ended: without that one, the list is not whole.
    is_rerun = generation > present
    if is_rerun and outcome is not Outcome.SUBMITTED:
        reason = f"a rerun is listed, {runs[0].id[:40]}, but the run before it is not"
        yield UnknownEvent(at=at, key=planned.key, n=n, name=name, reason=reason)
        return
    if is_rerun:
        yield RerunEvent(at=at, keys=[planned.key], generation=generation)
    # What a rerun of another ledger replaced is not known: only its name can be compared.
    sent = planned if generation == 1 else generations.planned(planned) if not is_rerun else None
    body = None if sent is None else sent.keyed_body or sent.body
    finding = weigh(
        runs,
        Sought(name=name, created_from_s=-MARGIN_S, body=body),
        is_taken=state.foreign.__contains__,
    )
    yield adoption(planned, finding, n=n, at=at, name=name, generation=generation)


def adoption(
    planned: PlannedRun, finding: Finding, *, n: int, at: str, name: str, generation: int = 1
) -> SubmittedEvent | UnknownEvent:
    """The event that takes a listed run over, or that says why it cannot be: more than one fits, or none does.

    A run of that name exists in any case, so it is never sent again unless a person says so.
    """
    if finding.evidence is Evidence.PRESENT and len(finding.runs) == 1:
        (run,) = finding.runs
        return SubmittedEvent(
            at=at,
            key=planned.key,
            n=n,
            run_id=run.id,
            name=name,
            status=run.status,
            point=msgspec.Raw(planned.point_json),
            via="resolved",  # does not date the ledger: until all of these events are durable, the other runs must be found again
            generation=generation,
        )
    ids = ", ".join(run.id[:40] for run in finding.runs)
    what = "more than one run matches" if finding.evidence is Evidence.PRESENT else "the payload differs"
    return UnknownEvent(at=at, key=planned.key, n=n, name=name, reason=f"{what}: {ids}")
