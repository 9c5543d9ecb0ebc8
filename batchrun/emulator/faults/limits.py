"""Rate limiters for one API key. Pure: the caller passes the time and gets the seconds to wait, 0 when admitted."""

from collections import deque
from math import ulp
from typing import Protocol

from batchrun.emulator.settings import EmulatorSettings

__all__ = ["FixedWindow", "Limit", "SlidingWindow", "TokenBucket", "is_same_limit", "limit_of"]

LIMIT_SETTINGS = ("rate_limit_per_s", "limiter", "burst", "window_s", "count_refused")


class Limit(Protocol):
    """Counts one request at ``now`` (monotonic seconds); returns 0 if it is admitted, else the seconds to wait."""

    def acquire(self, now: float) -> float: ...


class TokenBucket:
    """``burst`` at once, then an even ``rate_per_s``."""

    __slots__ = ("_burst", "_charge", "_rate", "_seen", "_tokens")

    def __init__(self, rate_per_s: float, burst: int, *, count_refused: bool = False) -> None:
        self._rate = rate_per_s
        self._burst = float(burst)
        self._charge = count_refused
        self._tokens = self._burst
        self._seen = float("-inf")

    def acquire(self, now: float) -> float:
        if self._seen != float("-inf"):
            self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate)
        self._seen = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        if self._charge:
            # The debt is bounded: without that, a client that keeps sending too fast would never be admitted again.
            self._tokens = max(-self._burst, self._tokens - 1)
        return (1 - self._tokens) / self._rate


class FixedWindow:
    """``limit`` requests in each window of ``window_s``; windows are aligned to the clock, not to the first request."""

    __slots__ = ("_count", "_index", "_limit", "_window_s")

    def __init__(self, limit: float, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._index = -1
        self._count = 0

    def acquire(self, now: float) -> float:
        index = int(now // self._window_s)
        if index != self._index:
            self._index, self._count = index, 0
        self._count += 1
        if self._count <= self._limit:
            return 0.0
        return max((index + 1) * self._window_s - now, ulp(now))  # rounding must not turn a refusal into an admission


class SlidingWindow:
    """``limit`` requests in any period of ``window_s``; optionally, refused requests count too."""

    __slots__ = ("_charge", "_limit", "_taken", "_window_s")

    def __init__(self, limit: float, window_s: float, *, count_refused: bool = True) -> None:
        self._limit = max(1, int(limit))
        self._window_s = window_s
        self._charge = count_refused
        self._taken: deque[float] = deque()

    def acquire(self, now: float) -> float:
        taken = self._taken
        while taken and taken[0] + self._window_s <= now:  # the same sum as below, so that rounding agrees
            taken.popleft()
        if len(taken) < self._limit:
            taken.append(now)
            return 0.0
        if self._charge:
            taken.append(now)
        return taken[-self._limit] + self._window_s - now


def is_same_limit(one: EmulatorSettings, other: EmulatorSettings) -> bool:
    """Whether two settings limit the rate the same way, so that existing counts can be kept."""
    return all(getattr(one, name) == getattr(other, name) for name in LIMIT_SETTINGS)


def limit_of(settings: EmulatorSettings) -> Limit | None:
    """A new limiter for one key, or None without a limit."""
    rate = settings.rate_limit_per_s
    if rate is None:
        return None
    if settings.limiter == "window":
        return FixedWindow(max(1.0, rate * settings.window_s), settings.window_s)
    if settings.limiter == "sliding":
        return SlidingWindow(rate * settings.window_s, settings.window_s, count_refused=settings.count_refused)
    return TokenBucket(rate, settings.burst, count_refused=settings.count_refused)
