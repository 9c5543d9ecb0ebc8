"""Created runs in a ledger, with their names: the fold keeps only ids, to stay small."""

from collections.abc import Iterator
from pathlib import Path

from batchrun.ledger.events import SubmittedEvent
from batchrun.ledger.reader import read_events

__all__ = ["created_runs"]


def created_runs(path: Path) -> Iterator[SubmittedEvent]:
    """Every ``submitted`` event of a ledger, in order; a key may have several.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    return (event for event in read_events(path) if type(event) is SubmittedEvent)
