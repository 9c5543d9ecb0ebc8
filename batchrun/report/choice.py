"""Choose the runs to cancel, drop, rerun or read. Pure, except for reading the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batchrun.engine.drop import pending_runs
from batchrun.engine.rerun import ENDED_BADLY
from batchrun.errors import SweepChangedError, UsageError
from batchrun.ledger.state import BatchState
from batchrun.report.all_generations import with_earlier
from batchrun.report.rows import BatchRows, RunRow, planned_row, read_rows
from batchrun.report.run_label import RunGroup, group_of
from batchrun.report.selection import Selection, select
from batchrun.sweep.plan import Plan, PlannedRun

__all__ = ["CancelChoice", "RerunChoice", "choose_log", "choose_logs", "choose_to_cancel", "choose_to_rerun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelChoice:
    """What is to be cancelled, and what is not to be sent."""

    active: Sequence[RunRow]
    dropped: Sequence[PlannedRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunChoice:
    """The runs that a person wants to rerun."""

    selection: Selection
    reason: str | None = None
    """A text that the failure has in it, in any case."""
    limit: int | None = None


def choose_to_cancel(path: Path, state: BatchState, selection: Selection, plan: Plan | None) -> CancelChoice:
    """The active runs that fit and, with a plan, those that fit and were not sent yet.

    Raises:
        UsageError: a name, a status or a test is not usable.
        SweepChangedError: the plan is another one than the ledger's, so that its unsent runs are not those of the batch.
        LedgerError: the ledger cannot be read.

    """
    if plan is not None and (state.batch is None or plan.sha256 != state.batch.plan_sha256):
        fact = "cannot determine which runs were not sent yet: a file that the sweep was planned from has changed"
        raise SweepChangedError(str(path), fact, "restore it, or omit --pending to cancel only the runs that exist")
    unsent = list(pending_runs(plan, state)) if plan is not None else []
    rows = {row.key: row for row in read_rows(path).rows} | {run.key: planned_row(run) for run in unsent}
    # Selected together: a name that is pending must not be an unknown one to those that were sent.
    fits = select(rows.values(), selection)
    keys = {row.key for row in fits}
    active = [row for row in fits if row.run_id is not None and group_of(row.outcome, row.status) is RunGroup.ACTIVE]
    return CancelChoice(active=active, dropped=[run for run in unsent if run.key in keys])


def choose_to_rerun(found: BatchRows, choice: RerunChoice) -> list[RunRow]:
    """The runs that fit; those that ended badly, where neither names nor statuses are given.

    Raises:
        UsageError: a name, a status or a test is not usable.

    """
    selection = choice.selection
    rows = select(found.rows, selection)
    if not selection.names and not selection.statuses:
        rows = [row for row in rows if row.status in ENDED_BADLY]
    # Runs that left the plan cannot be rerun; one that is named stays, so that the refusal says so.
    rows = [row for row in rows if row.is_planned or row.name in selection.names]
    if choice.reason is not None:
        wanted = choice.reason.lower()
        rows = [row for row in rows if wanted in f"{row.code or ''} {row.message or ''}".lower()]
    return rows[: choice.limit]


def choose_logs(found: BatchRows, selection: Selection) -> list[RunRow]:
    """The created runs that fit; an earlier generation only where its id is given.

    Raises:
        UsageError: a name, a status or a test is not usable.

    """
    earlier = [row for row in with_earlier(found.rows) if row.run_id in selection.names]
    latest = {row.run_id for row in found.rows}
    rows = [*found.rows, *(row for row in earlier if row.run_id not in latest)]
    return [row for row in select(rows, selection) if row.run_id is not None]


def choose_log(found: BatchRows, run: str) -> str:
    """The id of the run whose log is meant.

    Raises:
        UsageError: there is no such run, or it was never created.

    """
    rows = choose_logs(found, Selection(names=(run,), is_exact=True))
    if not rows:
        raise UsageError(run, "it was never created, so it has no log", "see batchrun runs")
    return rows[0].run_id or ""
