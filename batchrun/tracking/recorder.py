"""Changes on their way into a ledger that other processes may be writing."""

import anyio.to_thread

from batchrun.ledger.events import Event
from batchrun.ledger.shared import SharedLedger
from batchrun.ledger.state import BatchState
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.changes import Change

__all__ = ["Recorder", "is_news"]


class Recorder:
    """Keeps the latest change of each run until it is in the ledger."""

    def __init__(self, ledger: SharedLedger) -> None:
        self._ledger = ledger
        self._changes: dict[str, Change] = {}
        self.is_ledger_held = False
        """Another process held the ledger's lock when it was last tried."""

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, change: Change) -> None:
        self._changes[change.run_id] = change

    def forget(self, run_id: str) -> None:
        """Somebody else recorded the end of this run."""
        self._changes.pop(run_id, None)

    def clear(self) -> None:
        self._changes.clear()

    async def record(self) -> None:
        """Append what the ledger does not hold yet, if nobody else holds the ledger; without changes, only find that out.

        Raises:
            LedgerError: the ledger can no longer be read or written.

        """
        changes = list(self._changes.values())

        def events(state: BatchState) -> list[Event]:
            at = self._ledger.clock.stamp()
            return [change.event(at) for change in changes if is_news(state, change)]

        self.is_ledger_held = not await anyio.to_thread.run_sync(self._ledger.append, events)
        if not self.is_ledger_held:
            self._changes.clear()


def is_news(state: BatchState, change: Change) -> bool:
    """Whether a change is worth writing: it is about the current run, says something new, and no end is known."""
    run = state.runs.get(change.key)
    if run is None or run.run_id != change.run_id or has_ended(run.status):
        return False
    return run.status != change.status
