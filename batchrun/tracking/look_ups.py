"""Look up runs that are no longer listed as active, with the fewest calls. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from batchrun.tracking.changes import Followed
from batchrun.wherobots.client import MAX_PAGE_SIZE

__all__ = ["LookUps", "plan_look_ups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUps:
    """Which runs to look for in the list of ended runs, and which to ask for one by one."""

    listed: tuple[Followed, ...] = ()
    created_after_s: float | None = None
    """The creation of the oldest of those; None if it is not known."""
    pages: int = 0
    """Pages that this list has, as far as this batch's own runs fill it."""
    by_id: tuple[Followed, ...] = ()


def plan_look_ups(sought: Sequence[Followed], ended_s: Sequence[float], *, may_ask: bool = True) -> LookUps:
    """The cheapest way to look up all of ``sought``; ``ended_s`` are the creation times of ended runs, in order.

    A call by id costs one call a run. The list of ended runs shows a hundred a page, and it can be cut off at the creation
    time of the oldest run sought, whatever its order is: then it holds the runs sought and those that were created after
    it and ended before. So the youngest of the runs sought come from a list and the oldest are asked for; where to divide
    them is what is decided here. ``may_ask``: calls by id are possible.
    """
    dated = sorted((run for run in sought if run.created_s is not None), key=lambda run: -(run.created_s or 0.0))
    undated = [run for run in sought if run.created_s is None]
    if not may_ask:
        after_s = dated[-1].created_s if dated and not undated else None
        return LookUps(listed=tuple(sought), created_after_s=after_s, pages=_pages(len(ended_s) + len(sought)))
    best, fewest, best_pages = 0, len(dated), 0
    for number, run in enumerate(dated, 1):
        pages = _pages(len(ended_s) - bisect_left(ended_s, run.created_s or 0.0) + number)
        calls = pages + len(dated) - number
        if calls < fewest:
            best, fewest, best_pages = number, calls, pages
    listed = tuple(dated[:best])
    return LookUps(
        listed=listed,
        created_after_s=listed[-1].created_s if listed else None,
        pages=best_pages,
        by_id=(*dated[best:], *undated),
    )


def _pages(runs: int) -> int:
    return ceil(runs / MAX_PAGE_SIZE)
