"""Listing: filters, and pages whose cursors hold still while new runs arrive. Pure."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchrun.emulator.runs.lifecycle import HeldRun
from batchrun.emulator.runs.store import RunStore

__all__ = ["Page", "Wanted", "list_page", "parse_cursor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs a listing asks for."""

    name: str | None = None
    region: str | None = None
    created_after: float | None = None
    statuses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, newest first; a cursor is None where there is nothing beyond."""

    items: Sequence[HeldRun]
    total: int
    current_page: str
    current_page_backwards: str
    previous_page: str | None
    next_page: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Runs older than number ``edge``, or newer than it when going backwards."""

    backwards: bool
    edge: int

    def text(self) -> str:
        return urlsafe_b64encode(f"{'>' if self.backwards else '<'}{self.edge}".encode()).decode()


FIRST = Cursor(backwards=False, edge=1 << 62)


def parse_cursor(text: str | None) -> Cursor | None:
    """The cursor that an earlier page gave (none means the first page); None when it is not one of ours."""
    if not text:
        return FIRST
    try:
        plain = urlsafe_b64decode(text.encode()).decode()
        return Cursor(backwards={"<": False, ">": True}[plain[:1]], edge=int(plain[1:]))
    except (ValueError, KeyError):
        return None


def list_page(store: RunStore, wanted: Wanted, cursor: Cursor, size: int, now: float) -> Page:
    """One page of what is visible at ``now``: what was created within ``list_lag_s`` is not yet."""
    found = _found(store, wanted, now)
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


def _number(run: HeldRun) -> int:
    return run.number


def _created(run: HeldRun) -> float:
    return run.created_at


def _found(store: RunStore, wanted: Wanted, now: float) -> Sequence[HeldRun]:
    """Every run that is wanted and visible, oldest first."""
    settings = store.settings
    by_name = _name_test(wanted.name, substring=settings.list_name_match == "substring")
    runs = store.named(wanted.name) if wanted.name is not None and by_name is None else store.runs
    start = 0 if wanted.created_after is None else bisect_right(runs, wanted.created_after, key=_created)
    end = bisect_right(runs, now - settings.list_lag_s, key=_created) if settings.list_lag_s else len(runs)
    seen = runs[start:end]
    if by_name is None and wanted.region is None and not wanted.statuses:
        return seen
    return [run for run in seen if _is_wanted(run, wanted, by_name, now)]


def _is_wanted(run: HeldRun, wanted: Wanted, by_name: Callable[[str], bool] | None, now: float) -> bool:
    if wanted.region is not None and run.region != wanted.region:
        return False
    if by_name is not None and not by_name(run.name):
        return False
    return not wanted.statuses or run.status_at(now).value in wanted.statuses


def _name_test(name: str | None, *, substring: bool) -> Callable[[str], bool] | None:
    """The test for names that an index cannot answer, if one is needed."""
    if name is None:
        return None
    if "*" not in name:
        return (lambda held: name in held) if substring else None
    head, _, tail = name.partition("*")
    shortest = len(head) + len(tail)
    return lambda held: len(held) >= shortest and held.startswith(head) and held.endswith(tail)
