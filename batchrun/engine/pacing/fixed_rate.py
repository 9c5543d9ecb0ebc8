"""A known rate, kept exactly: evenly spaced starts on a fixed schedule. Pure.

aiolimiter cannot be both smooth and precise: ``AsyncLimiter(1, 1 / rate)`` loses whatever a timer is late and reached 890
of 1,000 a second, and a larger bucket sends bursts. Here, a late start keeps its place on the schedule and the next ones
catch up, while no second ever holds more than ``rate + burst`` starts. This is the generic cell rate algorithm with a
bound on catching up: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from collections import deque

__all__ = ["FixedRate"]

_WINDOW_S = 1.001
"""A second, and the millisecond that a start may drift on its way from here to the socket."""
_CATCH_UP_S = 0.1
"""How late a start may be and still keep its place: a late timer or a busy event loop, not an idle batch."""


class FixedRate:
    """Evenly spaced starts at ``rate_per_s``; after an idle time, ``burst`` of them at once."""

    __slots__ = ("_due", "_keeps_place_s", "_recent", "burst", "rate_per_s")

    def __init__(self, rate_per_s: float, *, burst: int = 1, now: float = 0.0) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._due = now
        self._keeps_place_s = max(_CATCH_UP_S, (burst - 1) / rate_per_s)
        self._recent: deque[float] = deque(maxlen=max(1, int(rate_per_s * _WINDOW_S + burst)))

    def next_start(self, now: float) -> float:
        """When the next attempt may start; never before ``now``."""
        due = max(self._due, now)
        if len(self._recent) == self._recent.maxlen:  # as many as one second may hold
            due = max(due, self._recent[0] + _WINDOW_S)
        return due

    def sent(self, now: float) -> None:
        """An attempt starts. Time spent idle is not made up for, except by the burst."""
        is_idle = now - self._due > self._keeps_place_s
        begin = now - (self.burst - 1) / self.rate_per_s if is_idle else self._due
        self._due = begin + 1.0 / self.rate_per_s
        self._recent.append(now)

    def reserve(self, now: float) -> float:
        """Take a place for a call that is not an attempt but counts towards the same limit; returns when it may start."""
        at = self.next_start(now)
        self.sent(at)
        return at
