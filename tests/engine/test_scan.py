"""When a list counts as read to its end."""

import pytest

from batchrun.engine.listing.scan import MOST_RUNS, Scan
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage


def page(*ids: str, total: int | None = None) -> RunSummaryPage:
    return RunSummaryPage(items=[RunSummary(id=run_id) for run_id in ids], total=total)


def scanned(*pages: RunSummaryPage, reached_end: bool = True) -> Scan:
    scan = Scan()
    for one in pages:
        scan.add(one)
    scan.reached_end = reached_end
    return scan


@pytest.mark.parametrize(
    ("scan", "is_complete"),
    [
        (Scan(reached_end=True), False),
        (scanned(page(total=0)), True),
        (scanned(page("a", "b", total=3), page("c", total=3)), True),
        (scanned(page("a", "b", total=3), page("c", total=3), reached_end=False), False),
        (scanned(page("a", "b", total=3)), False),
        (scanned(page("a", "b", total=3), page("b", total=3)), False),
        (scanned(page("a", "b")), False),
    ],
    ids=["nothing read", "empty", "all", "no end", "fewer than its total", "one twice", "no total"],
)
def test_a_list_is_complete_at_its_end_with_all_that_it_promised(scan: Scan, *, is_complete: bool) -> None:
    assert scan.is_complete() is is_complete


def test_runs_created_while_it_was_read_may_be_missing_from_the_first_total() -> None:
    scan = scanned(page("a", "b", total=2), page("c", total=3))
    assert scan.is_complete(grown=1)


def test_a_list_that_shows_nothing_new_twice_never_ends() -> None:
    scan = scanned(page("a", total=9), page("a", total=9))
    assert not scan.is_stuck
    scan.add(page("a", total=9))
    assert scan.is_stuck
    scan.add(page("b", total=9))
    assert not scan.is_stuck


def test_more_runs_than_any_batch_has_are_not_read() -> None:
    assert Scan(ids=dict.fromkeys(map(str, range(MOST_RUNS + 1)), 0)).is_stuck
