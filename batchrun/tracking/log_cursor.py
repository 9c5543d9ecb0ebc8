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
    """A line of a log; ``timestamp`` is text as the service wrote it."""

    timestamp: str
    raw: str


@dataclass(frozen=True, slots=True)
class Page:
    """The new lines of a page; ``is_end``: nothing more is there for now."""

    lines: tuple[LogLine, ...]
    is_end: bool


class LogCursor:
    """The position in one log."""

    __slots__ = ("_repeated", "_seen", "value")

    def __init__(self, value: str = START) -> None:
        self.value = value
        """The cursor of the next request."""
        self._repeated: Counter[LogLine] = Counter()
        """Lines that the next page may show again."""
        self._seen = {value}
        """Every cursor so far: one that comes back a second time would make an endless circle."""

    def take(self, items: Sequence[LogLine], next_page: str | None) -> Page:
        """Take the page that ``value`` brought."""
        known = self._repeated.copy()
        new = []
        for line in items:
            if known[line] > 0:
                known[line] -= 1
            else:
                new.append(line)
        if next_page is None or next_page in self._seen:
            self._repeated = Counter(items)
            return Page(tuple(new), is_end=True)
        self._seen.add(next_page)
        self.value = next_page
        last = items[-1].timestamp if items else None
        self._repeated = Counter(line for line in items if line.timestamp == last)
        return Page(tuple(new), is_end=False)
