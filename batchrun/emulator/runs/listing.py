"""Listing runs: filters, order, and pages whose cursors stay valid while new runs arrive. Pure."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["Page", "RunQuery", "list_page", "name_predicate", "parse_cursor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """The filters of a list request; without an organization, runs of all organizations match."""

    organization: str | None = None
    name: str | None = None
    region: str | None = None
    created_after: float | None = None
    statuses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page in the configured order; a cursor is None where there is no further page."""

    items: Sequence[StoredRun]
    total: int
    current_page: str
    current_page_backwards: str
    previous_page: str | None
    next_page: str | None

    def links(self) -> dict[str, Any]:
        """Everything but the items, by its name in JSON."""
        return {
            "total": self.total,
            "current_page": self.current_page,
            "current_page_backwards": self.current_page_backwards,
            "previous_page": self.previous_page,
            "next_page": self.next_page,
        }


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a list: ``after`` run number ``edge``, ``before`` it, or ``until`` it (including it).

    Runs are identified by number, not by offset: an offset would shift with every run created meanwhile.
    """

    direction: str
    edge: int

    def text(self) -> str:
        return urlsafe_b64encode(f"{self.direction}{self.edge}".encode()).decode()


_UNFINISHED = frozenset({RunStatus.PENDING.value, RunStatus.RUNNING.value})
_DIRECTIONS = {"<": "after", ">": "before", "=": "until"}
AFTER, BEFORE, UNTIL = _DIRECTIONS
FIRST = Cursor(AFTER, 0)  # runs are numbered from 1


def parse_cursor(text: str | None) -> Cursor | None:
    """The cursor from an earlier page, or the first page without one; None if it is not a cursor of this list."""
    if not text:
        return FIRST
    try:
        plain = urlsafe_b64decode(text.encode()).decode()
        return Cursor(plain[:1], int(plain[1:])) if plain[:1] in _DIRECTIONS else None
    except ValueError:
        return None


def list_page(store: RunStore, query: RunQuery, cursor: Cursor, size: int, now: float) -> Page:
    """One page of the runs visible at ``now``; a run becomes visible ``list_lag_s`` after its creation."""
    settings = store.settings
    found = _in_order(_matching(store, query, now), settings)
    # A list may show less than it counts, as that of a service which stops after a thousand rows.
    shown = len(found) if settings.list_max_items is None else min(len(found), settings.list_max_items)
    start, end = _bounds(found, cursor, size, settings)
    items = found[start : min(end, shown)]
    return Page(
        items=items,
        total=len(found),
        current_page=cursor.text(),
        current_page_backwards=Cursor(UNTIL, items[-1].number if items else cursor.edge).text(),
        previous_page=Cursor(BEFORE, items[0].number).text() if items and start > 0 else None,
        next_page=Cursor(AFTER, items[-1].number).text() if items and end < shown else None,
    )


def _rank(settings: EmulatorSettings, number: int) -> float:
    """The sort key of a run. It depends on the run alone, so that pages stay disjoint while new runs arrive."""
    if settings.list_order == "newest":
        return -number
    return number if settings.list_order == "oldest" else uniform(settings.seed, "list_order", number)


def _in_order(found: Sequence[StoredRun], settings: EmulatorSettings) -> Sequence[StoredRun]:
    if settings.list_order == "newest":
        return found[::-1]  # runs are stored in order of creation, and this is far cheaper than sorting
    return found if settings.list_order == "oldest" else sorted(found, key=lambda run: _rank(settings, run.number))


def _bounds(found: Sequence[StoredRun], cursor: Cursor, size: int, settings: EmulatorSettings) -> tuple[int, int]:
    """Where the page of ``cursor`` starts and ends."""
    if cursor.edge == FIRST.edge:
        return (0, size) if cursor.direction == AFTER else (0, 0)

    def rank(run: StoredRun) -> float:
        return _rank(settings, run.number)

    edge = _rank(settings, cursor.edge)
    if cursor.direction == AFTER:
        start = bisect_right(found, edge, key=rank)
        return start, start + size
    end = bisect_left(found, edge, key=rank) if cursor.direction == BEFORE else bisect_right(found, edge, key=rank)
    return max(0, end - size), end


def _created_at(run: StoredRun) -> float:
    return run.created_at


def _matching(store: RunStore, query: RunQuery, now: float) -> Sequence[StoredRun]:
    """All visible runs that match, oldest first."""
    settings = store.settings
    name_matches = name_predicate(query.name, substring=settings.list_name_match == "substring")
    runs = _candidates(store, query, now, is_exact=query.name is not None and name_matches is None)
    start = 0 if query.created_after is None else bisect_right(runs, query.created_after, key=_created_at)
    end = bisect_right(runs, now - settings.list_lag_s, key=_created_at) if settings.list_lag_s else len(runs)
    visible = runs[start:end]
    if store.is_uniform(query.organization) and name_matches is None and query.region is None and not query.statuses:
        return visible
    as_failed = settings.timeout_as_failed
    return [run for run in visible if _matches(run, query, name_matches, now, timeout_as_failed=as_failed)]


def _candidates(store: RunStore, query: RunQuery, now: float, *, is_exact: bool) -> Sequence[StoredRun]:
    """The runs to look through, oldest first."""
    if is_exact and query.name is not None:
        return store.named(query.name)
    return store.unfinished(now) if query.statuses and query.statuses <= _UNFINISHED else store.runs


def _matches(
    run: StoredRun, query: RunQuery, name_matches: Callable[[str], bool] | None, now: float, *, timeout_as_failed: bool
) -> bool:
    if run.is_deleted_at(now) or (query.organization is not None and run.organization != query.organization):
        return False
    if query.region is not None and run.region != query.region:
        return False
    if name_matches is not None and not name_matches(run.name):
        return False
    # By the status that is shown: a run of an unknown status matches no filter.
    return not query.statuses or run.shown_at(now, timeout_as_failed=timeout_as_failed) in query.statuses


def name_predicate(name: str | None, *, substring: bool = False) -> Callable[[str], bool] | None:
    """A predicate for names, unless the name index answers the question by itself."""
    if name is None:
        return None
    if "*" not in name:
        return (lambda candidate: name in candidate) if substring else None
    prefix, _, suffix = name.partition("*")
    min_length = len(prefix) + len(suffix)  # so that ab*ba does not match aba
    return lambda candidate: (
        len(candidate) >= min_length and candidate.startswith(prefix) and candidate.endswith(suffix)
    )
