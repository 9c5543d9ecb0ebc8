"""Pages of runs, by value."""

import pytest

from batchrun.emulator.runs.listing import FIRST, Page, RunQuery, list_page, parse_cursor
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings

T = 1_000_000.0


def store_of(*names: str, **settings: object) -> RunStore:
    """A store whose runs were created a second apart."""
    store = RunStore(EmulatorSettings(**settings))
    for second, name in enumerate(names):
        store.commit(name=name, region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T + second)
    return store


def numbers(page: Page) -> list[int]:
    return [run.number for run in page.items]


def page_at(store: RunStore, cursor: str | None, size: int, now: float = T + 1000, **query: object) -> Page:
    parsed = parse_cursor(cursor)
    assert parsed is not None
    return list_page(store, RunQuery(**query), parsed, size, now)  # type: ignore[arg-type] # as the test gives them


def test_pages_forward_and_back_cover_every_run_once() -> None:
    store = store_of(*"abcdefg")
    first = page_at(store, None, 3)
    second = page_at(store, first.next_page, 3)
    third = page_at(store, second.next_page, 3)
    assert [numbers(page) for page in (first, second, third)] == [[7, 6, 5], [4, 3, 2], [1]]
    assert (first.previous_page, third.next_page) == (None, None)
    assert numbers(page_at(store, third.previous_page, 3)) == [4, 3, 2]
    assert numbers(page_at(store, second.previous_page, 3)) == [7, 6, 5]


def test_a_page_can_be_fetched_again_by_its_own_cursors() -> None:
    store = store_of(*"abcdefg")
    second = page_at(store, page_at(store, None, 3).next_page, 3)
    assert numbers(page_at(store, second.current_page, 3)) == numbers(second)
    assert numbers(page_at(store, second.current_page_backwards, 3)) == numbers(second)


def test_a_cursor_of_the_first_page_shows_new_runs() -> None:
    store = store_of("a")
    cursor = page_at(store, None, 3).current_page
    store.commit(name="b", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T + 5)
    assert numbers(page_at(store, cursor, 3)) == [2, 1]


def test_size_zero_returns_the_total_alone() -> None:
    page = page_at(store_of(*"abc"), None, 0)
    assert (numbers(page), page.total, page.next_page) == ([], 3, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ab", [1]), ("ab*", [2, 1]), ("*ba", [3, 2]), ("ab*ba", [2]), ("*", [3, 2, 1]), ("a", []), ("aba*ba", [])],
)
def test_a_name_matches_exactly_or_by_its_wildcard(name: str, expected: list[int]) -> None:
    assert numbers(page_at(store_of("ab", "abba", "xba"), None, 10, name=name)) == expected


def test_created_after_excludes_its_own_moment() -> None:
    assert numbers(page_at(store_of(*"abc"), None, 10, created_after=T + 1)) == [3]


def test_a_lagging_list_shows_older_runs_only() -> None:
    store = store_of(*"abc", list_lag_s=10)
    assert numbers(page_at(store, None, 10, now=T + 11)) == [2, 1]
    assert page_at(store, None, 10, now=T + 11).total == 2


@pytest.mark.parametrize("text", ["nonsense", "PDU", "====", "PnguNQ==", "é"])
def test_anything_else_is_not_a_cursor(text: str) -> None:
    assert parse_cursor(text) is None


def test_no_cursor_means_the_first_page() -> None:
    assert parse_cursor(None) == parse_cursor("") == FIRST
    assert parse_cursor(FIRST.text()) == FIRST


@pytest.mark.parametrize("order", ["newest", "oldest", "random"])
def test_a_list_by_status_is_that_of_all_runs_at_any_time(order: str) -> None:
    store = store_of(*"abcdefghij", startup_s=3, run_s=5, capacity_runs=2, list_order=order)
    store.cancel(store.runs[7], T + 12)
    for second in (0, 4, 9, 13, 20, 30, 60):
        store.advance(T + second)
        everything = page_at(store, None, 100, now=T + second)
        for statuses in ({"PENDING"}, {"RUNNING"}, {"PENDING", "RUNNING"}, {"COMPLETED", "RUNNING"}, {"CANCELLED"}):
            listed = page_at(store, None, 100, now=T + second, statuses=frozenset(statuses))
            expected = [run.number for run in everything.items if run.status_at(T + second).value in statuses]
            assert (numbers(listed), listed.total) == (expected, len(expected))


def test_a_clock_that_is_set_back_brings_ended_runs_back() -> None:
    store = store_of("a", startup_s=0, run_s=5)
    active = frozenset({"RUNNING"})
    assert page_at(store, None, 10, now=T + 9, statuses=active).total == 0
    store.change(store.settings, T + 2)
    assert page_at(store, None, 10, now=T + 2, statuses=active).total == 1
