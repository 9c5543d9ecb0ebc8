"""Run ids that are already assigned, so that no run is adopted for two keys."""

from collections.abc import Callable, Iterable, Iterator

from batchrun.ledger.fold import BatchState

__all__ = ["KnownIds", "holders_of", "ids_of"]

MOST_OF_SESSION = 100_000
"""Ids of this session that are kept (about 12 MB); what a list shows is among the latest. `ledger check` looks at all."""


class KnownIds:
    """Run ids of a batch: from its ledger, and the latest of this session."""

    def __init__(self, earlier: Callable[[], Iterable[tuple[str, str]]], foreign: Iterable[str] = ()) -> None:
        """``earlier`` yields the ids and keys that the ledger knows; it is read by ``load``."""
        self._read_earlier = earlier
        self._earlier: dict[str, str] = {}
        self._latest: dict[str, str] = {}
        self._foreign = set(foreign)

    def load(self) -> None:
        """Read the ids of earlier sessions; of a million runs that takes half a second."""
        self._earlier = dict(self._read_earlier())

    def add(self, run_id: str, key: str) -> str | None:
        """Take an id for a key; if another key already has it, take nothing, and return that key."""
        latest = self._latest
        earlier = self._earlier.get(run_id) if self._earlier else None
        if earlier is not None:
            return None if earlier == key else earlier
        other = latest.setdefault(run_id, key)
        if len(latest) > MOST_OF_SESSION:
            # The oldest: a dict keeps the order of insertion.
            del latest[next(iter(latest))]
        return None if other == key else other

    def holder(self, run_id: str) -> str | None:
        """The key whose run has this id, as far as it is known."""
        return self._latest.get(run_id) or self._earlier.get(run_id)

    def is_foreign(self, run_id: str) -> bool:
        """Whether an id was declared to be another batch's."""
        return run_id in self._foreign

    def is_taken(self, run_id: str) -> bool:
        """Whether an id is some run's already, or was declared to be another batch's."""
        return run_id in self._foreign or self.holder(run_id) is not None


def ids_of(state: BatchState) -> Iterator[tuple[str, str]]:
    """Every run id that the ledger knows as created, of each generation, with the key of its planned run."""
    for key, run in state.runs.items():
        for earlier in run.earlier:
            yield earlier.run_id, key
        if run.run_id is not None:
            yield run.run_id, key


def holders_of(state: BatchState) -> Iterator[tuple[str, str]]:
    """Run ids with their keys. One of an earlier generation is held as another run's: it is never adopted again."""
    for key, run in state.runs.items():
        for earlier in run.earlier:
            yield earlier.run_id, f"{key}/{earlier.generation}"
        if run.run_id is not None:
            yield run.run_id, key
