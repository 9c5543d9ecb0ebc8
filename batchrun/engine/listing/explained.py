"""Names that an attempt in the ledger explains: a run of such a name is no sign that another ledger created it. Pure."""

from collections.abc import Iterator

from batchrun.ledger.state import BatchState, Outcome, RunState

__all__ = ["UNCLEAR", "explained_names", "is_explained"]

UNCLEAR = frozenset({Outcome.UNKNOWN, Outcome.DROPPED})
"""A person saw what the service held when a run was dropped."""


def explained_names(state: BatchState) -> Iterator[tuple[str, float]]:
    """Names under which a run may appear, and since when: an attempt without a response is in the ledger.

    A changed setting gives a point another key under the same name, so an attempt of the earlier key explains it too. What
    it explains is one run: a second one of the name may be of the present key, and of a newer copy of the ledger.
    """
    for known in state.runs.values():
        if is_explained(known) and known.name is not None:
            yield known.name, known.since_s or 0.0
    yield from state.to_check.values()


def is_explained(known: RunState) -> bool:
    """Whether a run of the planned run's name may exist that the ledger does not know yet."""
    return known.outcome in UNCLEAR or known.since is not None
