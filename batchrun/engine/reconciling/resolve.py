"""Decide about runs whose outcome stays unknown: adopt an existing run, send the run again, or drop it.

`find_undecided` returns what the service holds under each name, and `resolve` records the decisions. Nothing is sent: a
run that is to be sent again becomes pending, and the next ``submit`` or ``resume`` sends it.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.listing.held import HeldRun, HeldRuns
from batchrun.engine.listing.name_lists import ReadObserver, paced_scanner, read_names
from batchrun.engine.listing.organization import check_organization
from batchrun.engine.reconciling.decisions import SHOWN_ID, Choice, choices_of, events_of, objections
from batchrun.engine.reconciling.undecided import UndecidedRun, undecided_runs
from batchrun.engine.verdicts import is_call_refused
from batchrun.errors import ApiError, UsageError
from batchrun.ledger.created import created_runs
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import fold
from batchrun.ledger.reader import read_state
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.summaries import RunSummary, is_usable_id

__all__ = ["find_held", "find_undecided", "resolve"]

MOST_HELD = 100
"""Runs of one name that are kept: a person decides about a few."""


async def find_undecided(
    ledger: FileLedger | str | Path,
    client: RunsClient,
    *,
    plan: Plan | None = None,
    words: Collection[str] | None = None,
    observe: ReadObserver = ignored,
) -> tuple[UndecidedRun, ...]:
    """Find runs by name or key, or all unknown ones without ``words``, and what the service holds under their names.

    ``plan`` is the batch's own plan; without it, payloads are not compared. Its environment need not be resolved.

    Raises:
        UsageError: no run has one of the names or keys.
        LedgerError: the ledger cannot be read.
        LedgerMismatchError: the API key belongs to a different organization than the batch.
        ApiError: the service refuses the key, or cannot be reached.

    """
    if isinstance(ledger, FileLedger):
        path, state = ledger.path, ledger.state
    else:
        path = Path(ledger)
        state = await anyio.to_thread.run_sync(read_state, path)
    runs = await anyio.to_thread.run_sync(undecided_runs, state, path, plan, words)
    if not runs:
        return ()
    scanner = paced_scanner(client)
    await check_organization(state, scanner, str(path))
    listed: defaultdict[str, list[RunSummary]] = defaultdict(list)

    def take(run: RunSummary) -> None:
        if run.name is not None and len(listed[run.name]) < MOST_HELD:
            listed[run.name].append(run)

    # Every run of a name, of any age: a person sees also what batchrun itself would not take for this batch's.
    names = {run.name for run in runs if run.name}
    try:
        doubtful = await read_names(scanner, names, take, observe=observe)
    except ApiError as error:
        # What will be no better later must not be in the way of a decision.
        if not (is_call_refused(error) or error.is_unreadable):
            raise
        why = error.problems[0].fact if error.is_unreadable else error.trouble.describe()
        return tuple(replace(run, doubt=f"the runs cannot be listed: {why}") for run in runs)
    compared = HeldRuns(state, plan)
    return tuple(_with_held(run, listed[run.name], compared, is_whole=run.name not in doubtful) for run in runs)


def _with_held(run: UndecidedRun, listed: list[RunSummary], compared: HeldRuns, *, is_whole: bool) -> UndecidedRun:
    doubt = "" if is_whole else "the list of this name is incomplete"
    if not run.name:
        doubt = "its name is not known: version 0.1 did not record it, and the plan cannot be rebuilt"
    return replace(run, held=tuple(_compare(compared, run, one) for one in listed), doubt=doubt)


def _compare(compared: HeldRuns, run: UndecidedRun, listed: RunSummary) -> HeldRun:
    return compared.compare(
        listed, name=run.name, key=run.key, since_s=run.since_s, planned=run.planned, generation=run.generation
    )


async def find_held(
    ledger: FileLedger, client: RunsClient, run: UndecidedRun, run_id: str, *, plan: Plan | None = None
) -> HeldRun:
    """Fetch one run by its id, to be adopted. Its payload may differ; ``objections`` lists the reasons not to adopt it.

    Raises:
        UsageError: the service knows no such run.
        ApiError: the service cannot be reached, or refused.

    """
    if not is_usable_id(run_id):
        raise UsageError("--adopt", f"'{run_id[:SHOWN_ID]}' is not a run id", choices_of(run))
    summary = await paced_scanner(client).run(run_id)
    if summary is None or summary.id != run_id:
        raise UsageError("--adopt", f"the service knows no run {run_id}", choices_of(run))
    held = _compare(HeldRuns(ledger.state, plan), run, summary)
    if held.holder is None:
        return held
    return replace(held, holder_name=await anyio.to_thread.run_sync(_name_of, ledger.path, run_id))


def _name_of(path: Path, run_id: str) -> str | None:
    """The state does not keep the names of created runs."""
    return next((event.name for event in created_runs(path) if event.run_id == run_id), None)


async def resolve(ledger: FileLedger, choices: Sequence[Choice]) -> None:
    """Record a person's decisions durably. Nothing is sent.

    Raises:
        UsageError: a decision cannot be recorded; in that case, none is.
        LedgerWriteError: the ledger cannot be written.

    """
    if problems := list(objections(choices)):
        raise UsageError.of(problems)
    at = ledger.clock.stamp()
    for choice in choices:
        for event in events_of(choice, at):
            ledger.record(event)
            fold(ledger.state, event)
    await ledger.flush()
