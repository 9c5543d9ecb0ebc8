"""Which lines of a log page are new, and where to read next. Pure.

The service's clients take the cursor for three different things (bytes, lines, milliseconds), so nothing is read out of it:
it is handed back as it came. What follows holds for all three:

- while ``next_page`` is new, the next page begins there, and may repeat lines of the last timestamp;
- when ``next_page`` is null or the cursor that was just used, the end is reached for now; asking again with the same cursor
  repeats the page and shows what came since.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["START", "LogCursor", "LogLine", "Page"]

START = "0"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log line; ``timestamp`` is text, as the service wrote it."""

    timestamp: str
    raw: str


@dataclass(frozen=True, slots=True)
class Page:
    """The new lines of a page; ``is_end``: nothing more is there for now.

    ``is_stuck``: the page is full and leads to itself, as where more lines share a timestamp than a page holds. What
    follows cannot be read by anybody.
    """

    lines: tuple[LogLine, ...]
    is_end: bool
    is_stuck: bool = False


class LogCursor:
    """The position in one log."""

    __slots__ = ("_is_same", "_previous", "_repeats", "_seen", "empty_pages", "value")

    def __init__(self, value: str = START) -> None:
        self.value = value
        """The cursor of the next request."""
        self.empty_pages = 0
        """How many pages in a row led on and brought nothing new: a service may make up cursors forever."""
        self._previous: Sequence[LogLine] = ()
        self._is_same = False
        """Whether the next request repeats the last one."""
        self._repeats: bool | None = None
        """Whether a page begins with the end of the one before it; None while that is not known."""
        self._seen = {value}
        """Every cursor so far: one that comes back a second time would make an endless circle."""

    def take(self, items: Sequence[LogLine], next_page: str | None, *, size: int) -> Page:
        """Take the page that ``value`` brought; ``size`` is how many lines were asked for."""
        new = _without(items, self._previous) if self._is_same else self._after_previous(items)
        self._previous = items or (self._previous if self._is_same else ())
        self._is_same = next_page is None or next_page in self._seen
        if self._is_same:
            is_stuck = next_page == self.value and len(items) >= size
            return Page(tuple(new), is_end=True, is_stuck=is_stuck)
        assert next_page is not None  # noqa: S101 - or it would be the same page
        self.empty_pages = 0 if new else self.empty_pages + 1
        self._seen.add(next_page)
        self.value = next_page
        return Page(tuple(new), is_end=False)

    def _after_previous(self, items: Sequence[LogLine]) -> Sequence[LogLine]:
        """The lines of a page that the page before it did not have.

        Services that repeat lines do so at every page. One page without a repetition therefore shows that this one does
        not, and that equal lines are lines of their own.
        """
        if not self._previous or not items or self._repeats is False:
            return items
        if (repeated := _overlap(self._previous, items)) > 0:
            self._repeats = True
            return items[repeated:]
        last = self._previous[-1].timestamp
        of_last = [line for line in self._previous if line.timestamp == last]
        new = _without(items, of_last)  # a line that landed late may stand between those that are repeated
        self._repeats = self._repeats or len(new) < len(items)
        return new


def _without(items: Sequence[LogLine], known: Sequence[LogLine]) -> list[LogLine]:
    """The items that are not known, each known one dropping one occurrence."""
    left = Counter(known)
    new = []
    for line in items:
        if left[line] > 0:
            left[line] -= 1
        else:
            new.append(line)
    return new


def _overlap(previous: Sequence[LogLine], items: Sequence[LogLine]) -> int:
    """How many lines at the end of one page are the first of the next; Knuth, Morris and Pratt's function, so linear."""
    borders = [0] * len(items)
    for number in range(1, len(items)):
        borders[number] = _extend(borders, items, borders[number - 1], items[number])
    matched = 0
    for line in previous:
        matched = _extend(borders, items, matched if matched < len(items) else borders[-1], line)
    return matched


def _extend(borders: list[int], items: Sequence[LogLine], matched: int, line: LogLine) -> int:
    while matched and items[matched] != line:
        matched = borders[matched - 1]
    return matched + 1 if items[matched] == line else 0
