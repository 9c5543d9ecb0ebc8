"""A table with one line per ledger."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from batchrun.cli.output import Table
from batchrun.ledger.state import Outcome
from batchrun.report.run_label import RunGroup, group_of
from batchrun.report.summary import Summary
from batchrun.report.writer_state import WriterState

__all__ = ["batches_table", "group_counts"]

_NUMBERS = ("planned", "completed", "failed", "cancelled", "active", "not created")
_RARE = frozenset({"cancelled", "not created", "writer"})
_SPARE = ("last event", "writer", "cancelled", "active", "completed", "not created")
"""The least needed first: planned and failed runs stay."""
_GROUPS = (RunGroup.COMPLETED, RunGroup.FAILED, RunGroup.CANCELLED, RunGroup.ACTIVE, RunGroup.NOT_CREATED)
_WRITERS = {
    WriterState.NONE: "",
    WriterState.RUNNING: "running",
    WriterState.CRASHED: "died",
    WriterState.REMOTE: "unverified",
}


def group_counts(summary: Summary) -> Counter[RunGroup]:
    """The planned runs of a batch by group."""
    counts = Counter[RunGroup]()
    for status, count in summary.run_status.items():
        counts[group_of(Outcome.SUBMITTED, status)] += count
    # Created, and not followed so far: nothing says that they have ended.
    counts[RunGroup.ACTIVE] += max(0, summary.outcomes[Outcome.SUBMITTED] - sum(summary.run_status.values()))
    for outcome, count in summary.outcomes.items():
        if outcome is not Outcome.SUBMITTED:
            counts[group_of(outcome, None)] += count
    return counts


def batches_table(summaries: Mapping[Path, Summary]) -> Table:
    """A line for each ledger, and their sum if there are several. Columns that hardly any batch needs appear when one does."""
    rows = [_row(str(path), summary) for path, summary in summaries.items()]
    if len(summaries) > 1:
        total = sum((group_counts(summary) for summary in summaries.values()), Counter[RunGroup]())
        planned = sum(summary.planned for summary in summaries.values())
        rows.append(("all", f"{planned:,}", *(f"{total[group]:,}" for group in _GROUPS), "", ""))
    head = ("ledger", *_NUMBERS, "writer", "last event")
    kept = [at for at, name in enumerate(head) if name not in _RARE or any(row[at] not in {"", "0"} for row in rows)]
    shown = tuple(tuple(row[at] for at in kept) for row in rows)
    return Table(head=tuple(head[at] for at in kept), rows=shown, right=frozenset(_NUMBERS), cut="ledger", spare=_SPARE)


def _row(name: str, summary: Summary) -> tuple[str, ...]:
    counts = group_counts(summary)
    last = (summary.last_at or "")[: len("2026-01-01T00:00")].replace("T", " ")
    numbers = (f"{counts[group]:,}" for group in _GROUPS)
    return (name, f"{summary.planned:,}", *numbers, _WRITERS[summary.writer], last)
