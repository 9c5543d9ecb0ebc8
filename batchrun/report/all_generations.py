"""One row per created run, including earlier generations."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from batchrun.ledger.state import EarlierRun, Outcome
from batchrun.report.rows import RunRow, tracked_fields

__all__ = ["with_earlier"]


def with_earlier(rows: Iterable[RunRow]) -> Iterator[RunRow]:
    """Each row after those of its earlier generations, oldest first; each with its own cost alone."""
    for row in rows:
        for earlier in row.earlier:
            yield _row_of(row, earlier)
        # Without those before it: each of them has a row with its own cost.
        yield replace(row, earlier=())


def _row_of(row: RunRow, earlier: EarlierRun) -> RunRow:
    """Attempts and times of submission are those of the latest generation, and are left out."""
    return replace(
        row,
        outcome=Outcome.SUBMITTED,
        generation=earlier.generation,
        run_id=earlier.run_id,
        status=earlier.status,
        trouble=None,
        **tracked_fields(earlier.tracked),
        via=None,
        submitted_s=None,
        earlier=(),
    )
