"""The rate of read requests: lists and single runs, beside the attempts. Pure.

Settling, following and checking all read. Together they get a rate of their own, so that looking at runs never uses up the
rate for creating them, and many looks are not mistaken for an attack. A refused read halves the rate; then it recovers. It
also shows that reads have a limit, which may well be that of the attempts: from then on they leave most of it to attempts.
"""

import math
from collections import deque

__all__ = ["IDLE_READ_SHARE", "READS_PER_S", "READ_SHARE", "ReadRate"]

READS_PER_S = 5.0
"""Read requests per second, at least, unless the user set a rate: a list of 500 runs a second, and easy to serve."""
READ_SHARE = 0.2
"""The same as a share of the attempts' rate: where the service allows many attempts, looking must keep up with them."""
IDLE_READ_SHARE = 0.5
"""That share while no attempt waits for its turn: the end of a batch waits for nothing but what is found by reading."""
_LEAST_SHARE = 1.0 / 256.0
"""Share of the full rate that refusals leave at least, eight halvings: never less than one call in 51 seconds."""
_DOUBLING_S = 30.0
"""Seconds without a refusal in which a halved rate doubles, up to the full one."""
_ECHO_S = 1.0
"""Seconds after a refusal in which another one does not halve again: both calls were sent at the same rate."""
_MOST_COUNTED = 1000
"""Bounds the starts that are remembered; at higher rates, a shorter window than a second is kept."""


class ReadRate:
    """At most ``per_s`` read requests in any second, rounded up; after a quiet time they go at once.

    ``attempts_per_s`` is the current rate of the attempts. It counts only where the user gave no rate for reading.
    """

    __slots__ = ("_given", "_refused_at", "_share", "_starts", "is_limited")

    def __init__(self, per_s: float | None = None) -> None:
        self._given = per_s
        self._starts: deque[float] = deque(maxlen=_MOST_COUNTED)
        self._share = 1.0  # of the full rate, right after the last refusal
        self._refused_at = 0.0
        self.is_limited = False
        """Whether one was refused: the service limits read requests, perhaps together with attempts."""

    def per_s(self, now: float, attempts_per_s: float, *, attempts_wait: bool = True) -> float:
        """Read requests per second, now."""
        if (full := self._given) is None:
            full = (READ_SHARE if attempts_wait else IDLE_READ_SHARE) * attempts_per_s
            if not (self.is_limited and attempts_wait):
                full = max(READS_PER_S, full)
        return max(full * self._share_at(now), READS_PER_S * _LEAST_SHARE)

    def next_start(self, now: float, attempts_per_s: float, *, attempts_wait: bool = True) -> float:
        """When the next read request may start; never before ``now``."""
        per_s = self.per_s(now, attempts_per_s, attempts_wait=attempts_wait)
        count = min(math.ceil(per_s), _MOST_COUNTED)
        if len(self._starts) < count:
            return now
        return max(now, self._starts[-count] + count / per_s)

    def sent(self, now: float) -> None:
        self._starts.append(now)

    def refused(self, now: float) -> None:
        """The service refused a read request for its rate."""
        self.is_limited = True
        if self._share < 1.0 and now - self._refused_at < _ECHO_S:
            return
        self._share = max(self._share_at(now) / 2.0, _LEAST_SHARE)
        self._refused_at = now

    def _share_at(self, now: float) -> float:
        if self._share >= 1.0:
            return 1.0
        doublings = min((now - self._refused_at) / _DOUBLING_S, 64.0)  # 2^64 exceeds any share that is left
        return min(1.0, self._share * math.exp2(doublings))
