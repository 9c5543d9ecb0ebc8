"""One row per created run, including earlier generations."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from batchrun.ledger.state import EarlierRun, Outcome, Tracked
from batchrun.report.rows import RunRow

__all__ = ["with_earlier"]

_NOTHING_TRACKED = Tracked()


def with_earlier(rows: Iterable[RunRow]) -> Iterator[RunRow]:
    """Each row after those of its earlier generations, oldest first; each with its own cost alone."""
    for row in rows:
        for earlier in row.earlier:
            yield _row_of(row, earlier)
        yield replace(row, earlier=())


def _row_of(row: RunRow, earlier: EarlierRun) -> RunRow:
    """Attempts and times of submission are those of the latest generation, and are left out."""
    tracked = earlier.tracked or _NOTHING_TRACKED
    return replace(
        row,
        outcome=Outcome.SUBMITTED,
        generation=earlier.generation,
        run_id=earlier.run_id,
        status=earlier.status,
        trouble=None,
        code=tracked.code,
        message=tracked.message,
        via=None,
        submitted_s=None,
        created_s=tracked.created_s,
        started_s=tracked.started_s,
        completed_s=tracked.completed_s,
        kube_app_id=tracked.kube_app_id,
        cost=tracked.cost,
        earlier=(),
    )
