"""Which lines are new, for the three things that a cursor may count; nothing is read out of it."""

import pytest

from batchrun.tracking.log_cursor import LogCursor, LogLine, Page


def lines(*texts: str) -> list[LogLine]:
    """``"3 hello"`` is a line of the third second."""
    return [LogLine(*text.split(" ", 1)) for text in texts]


def new(page: Page) -> list[str]:
    return [line.raw for line in page.lines]


def test_pages_follow_each_other() -> None:
    cursor = LogCursor()
    assert new(cursor.take(lines("1 a", "2 b"), "2", size=2)) == ["a", "b"]
    assert cursor.value == "2"
    page = cursor.take(lines("3 c"), None, size=2)
    assert (new(page), page.is_end) == (["c"], True)


def test_what_the_last_timestamp_repeats_is_dropped_however_often_a_line_occurs() -> None:
    cursor = LogCursor()
    cursor.take(lines("1 a", "2 same", "2 same"), "2ms", size=3)
    page = cursor.take(lines("2 same", "2 same", "2 same", "3 b"), None, size=10)
    assert new(page) == ["same", "b"]


def test_a_page_that_is_asked_for_again_shows_only_what_came_since() -> None:
    cursor = LogCursor("7")
    assert new(cursor.take(lines("1 a", "2 b"), None, size=10)) == ["a", "b"]
    assert cursor.value == "7"
    assert new(cursor.take(lines("1 a", "2 b"), None, size=10)) == []
    assert new(cursor.take(lines("1 a", "1 late", "2 b", "3 c"), None, size=10)) == ["late", "c"]


@pytest.mark.parametrize("next_page", ["0", None])
def test_a_cursor_that_repeats_or_ends_is_the_end_for_now(next_page: str | None) -> None:
    page = LogCursor().take(lines("1 a"), next_page, size=10)
    assert (page.is_end, page.is_stuck) == (True, False)


def test_cursors_in_a_circle_end() -> None:
    cursor = LogCursor()
    assert not cursor.take(lines("1 a"), "x", size=1).is_end
    assert not cursor.take(lines("2 b"), "y", size=1).is_end
    assert cursor.take(lines("3 c"), "x", size=1).is_end


def test_a_full_page_that_leads_to_itself_is_stuck() -> None:
    page = LogCursor("5").take(lines("5 a", "5 b"), "5", size=2)
    assert (page.is_end, page.is_stuck) == (True, True)


def test_repeated_lines_of_several_times_are_dropped_as_a_whole() -> None:
    cursor = LogCursor()
    cursor.take(lines("1.1 a", "1.2 b", "1.3 c"), "1", size=3)
    assert new(cursor.take(lines("1.1 a", "1.2 b", "1.3 c", "1.4 d"), "2", size=4)) == ["d"]


def test_a_late_line_between_repeated_ones_is_kept() -> None:
    cursor = LogCursor()
    cursor.take(lines("1 a", "2 b", "2 c"), "2ms", size=3)
    assert new(cursor.take(lines("2 b", "2 late", "2 c", "3 d"), None, size=10)) == ["late", "d"]


def test_where_pages_do_not_repeat_equal_lines_are_lines_of_their_own() -> None:
    cursor = LogCursor()
    cursor.take(lines("1 a", "1 same"), "2", size=2)
    assert new(cursor.take(lines("2 b", "2 same"), "4", size=2)) == ["b", "same"]
    assert new(cursor.take(lines("2 same", "2 same"), "6", size=2)) == ["same", "same"]


def test_pages_that_lead_on_and_bring_nothing_are_counted() -> None:
    cursor = LogCursor()
    cursor.take(lines("1 a", "2 b"), "1", size=2)
    for number in range(2, 7):
        assert new(cursor.take(lines("1 a", "2 b"), str(number), size=2)) == []
        assert cursor.empty_pages == number - 1
    assert new(cursor.take(lines("1 a", "2 b", "3 c"), "8", size=2)) == ["c"]
    assert cursor.empty_pages == 0
