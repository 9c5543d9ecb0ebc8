"""A known rate, kept exactly: evenly spaced starts on a fixed grid. Pure.

aiolimiter cannot be smooth and precise at once: ``AsyncLimiter(1, 1 / rate)`` loses whatever a timer wakes late and comes
to 890 of 1,000 a second, and a larger bucket goes in bursts. Here a late start keeps its place on the grid and the next
ones catch up, while no second ever holds more than ``rate + burst`` starts.
"""

from collections import deque

__all__ = ["FixedRate"]

_WINDOW_S = 1.001  # a second, and what a start may drift between here and the socket
_CATCH_UP_S = 0.1


class FixedRate:
    """Starts at ``rate_per_s``; after a quiet time ``burst`` of them at once."""

    __slots__ = ("_due", "_recent", "_remembered_s", "burst", "rate_per_s")

    def __init__(self, rate_per_s: float, *, burst: int = 1, now: float = 0.0) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._due = now
        self._remembered_s = max(_CATCH_UP_S, (burst - 1) / rate_per_s)
        self._recent: deque[float] = deque(maxlen=max(1, int(rate_per_s * _WINDOW_S + burst)))

    def next_start(self, now: float) -> float:
        """When the next attempt may start; never before ``now``."""
        due = max(self._due, now)
        if len(self._recent) == self._recent.maxlen:
            due = max(due, self._recent[0] + _WINDOW_S)
        return due

    def sent(self, now: float) -> None:
        """An attempt starts. What was missed by idling is forgotten, but for the burst."""
        is_idle = now - self._due > self._remembered_s
        begin = now - (self.burst - 1) / self.rate_per_s if is_idle else self._due
        self._due = begin + 1.0 / self.rate_per_s
        self._recent.append(now)
