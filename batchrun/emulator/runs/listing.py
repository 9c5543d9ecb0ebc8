"""Listing runs: filters, and pages whose cursors stay valid while new runs arrive. Pure."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.store import RunStore

__all__ = ["Page", "RunQuery", "list_page", "parse_cursor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """The filters of a list request."""

    name: str | None = None
    region: str | None = None
    created_after: float | None = None
    statuses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, newest first; a cursor is None where there is no further page."""

    items: Sequence[StoredRun]
    total: int
    current_page: str
    current_page_backwards: str
    previous_page: str | None
    next_page: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position between runs: those older than number ``edge`` follow, or the newer ones when going backwards.

    Runs are identified by number, not by offset: an offset would shift with every run created meanwhile.
    """

    backwards: bool
    edge: int

    def text(self) -> str:
        return urlsafe_b64encode(f"{'>' if self.backwards else '<'}{self.edge}".encode()).decode()


FIRST = Cursor(backwards=False, edge=1 << 62)  # beyond any run number


def parse_cursor(text: str | None) -> Cursor | None:
    """The cursor from an earlier page, or the first page without one; None if it is not a cursor of this list."""
    if not text:
        return FIRST
    try:
        plain = urlsafe_b64decode(text.encode()).decode()
        return Cursor(backwards={"<": False, ">": True}[plain[:1]], edge=int(plain[1:]))
    except (ValueError, KeyError):
        return None


def list_page(store: RunStore, query: RunQuery, cursor: Cursor, size: int, now: float) -> Page:
    """One page of the runs visible at ``now``; a run becomes visible ``list_lag_s`` after its creation."""
    found = _matching(store, query, now)
    edge = bisect_left(found, cursor.edge, key=_number)
    if cursor.backwards:
        edge += edge < len(found) and found[edge].number == cursor.edge
        start, end = edge, min(len(found), edge + size)
    else:
        start, end = max(0, edge - size), edge
    items = found[start:end][::-1]
    return Page(
        items=items,
        total=len(found),
        current_page=cursor.text(),
        current_page_backwards=Cursor(True, items[-1].number - 1 if items else cursor.edge).text(),
        previous_page=Cursor(True, items[0].number).text() if items and end < len(found) else None,
        next_page=Cursor(False, items[-1].number).text() if items and start > 0 else None,
    )


def _number(run: StoredRun) -> int:
    return run.number


def _created(run: StoredRun) -> float:
    return run.created_at


def _matching(store: RunStore, query: RunQuery, now: float) -> Sequence[StoredRun]:
    """All visible runs that match, oldest first."""
    settings = store.settings
    name_matches = _name_predicate(query.name, substring=settings.list_name_match == "substring")
    runs = store.named(query.name) if query.name is not None and name_matches is None else store.runs
    start = 0 if query.created_after is None else bisect_right(runs, query.created_after, key=_created)
    end = bisect_right(runs, now - settings.list_lag_s, key=_created) if settings.list_lag_s else len(runs)
    visible = runs[start:end]
    if name_matches is None and query.region is None and not query.statuses:
        return visible
    return [run for run in visible if _matches(run, query, name_matches, now)]


def _matches(run: StoredRun, query: RunQuery, name_matches: Callable[[str], bool] | None, now: float) -> bool:
    if query.region is not None and run.region != query.region:
        return False
    if name_matches is not None and not name_matches(run.name):
        return False
    return not query.statuses or run.status_at(now).value in query.statuses


def _name_predicate(name: str | None, *, substring: bool) -> Callable[[str], bool] | None:
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
