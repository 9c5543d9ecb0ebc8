"""Runs that the service holds under planned names, and that the ledger should know and does not. Pure.

Two histories leave such runs: the ledger is an older copy, and a newer one went on after it; or another ledger, now lost,
began the same sweep. The first is noticed by runs that are younger than everything in this ledger, the second only by runs
of planned runs that this ledger never attempted, however old they are.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import inf

from batchrun.engine.listing.explained import explained_names, is_explained
from batchrun.engine.listing.known_ids import ids_of
from batchrun.engine.rerun_names import words_of
from batchrun.engine.tagging import tag_of
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.state import BatchState, Outcome
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.identity import is_same_payload
from batchrun.wherobots.summaries import RunSummary, is_usable_id

__all__ = ["Look", "Strangers", "strangers", "unattempted_names"]

Strangers = list[tuple[RunSummary, PlannedRun]]
"""Listed runs that the ledger does not know, each with the planned run whose name it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which runs of planned names matter."""

    recent_from_s: float | None
    """Those created from then on, in epoch seconds of the server's clock; None if their age says nothing."""
    looks_back: bool
    """Of planned runs that this ledger never attempted, those of any age."""
    is_moved: bool = False
    """The batch moves to this service: the ids in the ledger are another service's, and so are its attempts."""


def strangers(
    plan: Plan,
    listed: Iterable[RunSummary],
    state: BatchState,
    look: Look,
    *,
    lost: Collection[PlannedRun] | None = None,
) -> Strangers:
    """Those whose name is planned, or a rerun of a planned one, and that no attempt in the ledger explains.

    An attempt with an earlier payload explains no run with the present one, which an attempt of the present key has made.

    ``lost`` is given if they are to be adopted: what the unknown attempts of earlier plans sent. Then an attempt explains
    only a run with its payload: any other run of the name may be one of those to adopt, so its planned run is not sent again.
    """
    by_word = _by_word(listed, state, look)
    if not by_word:
        return []
    # With another setting, runs were taken for further ones of that key: one with the present payload is the present key's.
    further = {} if look.is_moved else {run_id: key for key, ids in state.duplicates.items() for run_id in ids}
    explained, exact = {name for name, _ in explained_names(state)}, {one.name for one in plan if one.name in by_word}
    return [
        (run, planned)
        for planned in plan
        if planned.name in by_word or planned.key in by_word
        if (known := state.runs.get(planned.key)) is None or not is_explained(known)
        for run in (*by_word.get(planned.name, ()), *by_word.get(planned.key, ()))
        if _is_in_sight(run, planned, state, look)
        if run.id not in further or (further[run.id] != planned.key and _is_sent_as(run, planned))
        if run.name == planned.name or run.name not in exact  # a planned name that looks like a rerun's is itself
        if run.name not in explained or _is_sent_as(run, planned) or not (lost is None or _is_one_of(run, lost))
        # The last look at a name that was sent more than once is still to come.
        if run.name != state.to_check.get(planned.key, ("", 0.0))[0]
    ]


def unattempted_names(plan: Plan, state: BatchState, most: int) -> tuple[list[str], bool]:
    """At most ``most`` names of planned runs that the ledger never attempted; and whether these are all of them.

    If there are more, half of them are the first ones, where a batch begins, and the others are spread over the plan.
    """
    first, spread, count = list[str](), list[str](), 0
    every = max(1, plan.runs // (most - most // 2))
    for index, planned in enumerate(plan):
        if planned.key not in state.runs:
            count += 1
            if len(first) < most:
                first.append(planned.name)
            if count > most // 2 and index % every == every - 1:
                spread.append(planned.name)
    if count <= most:
        return first, True
    return [*first[: most // 2], *spread[: most - most // 2]], False


def _by_word(listed: Iterable[RunSummary], state: BatchState, look: Look) -> dict[str, list[RunSummary]]:
    passed = set(state.foreign)
    if not look.is_moved:
        passed.update(run_id for run_id, _ in ids_of(state))
    by_word: dict[str, list[RunSummary]] = {}
    for run in listed:
        if run.name is not None and is_usable_id(run.id) and run.id not in passed:
            passed.add(run.id)  # it may be in two lists
            for word in words_of(run.name):
                by_word.setdefault(word, []).append(run)
    return by_word


def _is_in_sight(run: RunSummary, planned: PlannedRun, state: BatchState, look: Look) -> bool:
    created_s = epoch_seconds(run.create_time or "") or inf  # one without a date may be of any time
    is_recent = look.recent_from_s is not None and created_s >= look.recent_from_s
    if is_recent and not _is_of_another_batch(run, state):
        return True
    known = state.runs.get(planned.key)
    return look.looks_back and (known is None or (look.is_moved and known.outcome is not Outcome.SUBMITTED))


def _is_of_another_batch(run: RunSummary, state: BatchState) -> bool:
    """Whether its tag says so. An older copy of a ledger has the same batch as the newer one; a lost ledger has not."""
    tag = tag_of(run) if state.attempted_at is not None else None
    return tag is not None and state.batch is not None and tag.partition("/")[0] != state.batch.batch_id


def _is_sent_as(run: RunSummary, planned: PlannedRun) -> bool:
    return run.payload is not None and is_same_payload(planned.keyed_body or planned.body, run.payload)


def _is_one_of(run: RunSummary, lost: Iterable[PlannedRun]) -> bool:
    return any(run.name == one.name and _is_sent_as(run, one) for one in lost)
