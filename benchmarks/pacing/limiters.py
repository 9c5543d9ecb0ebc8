"""Rate limiters that a service may have, without a clock of their own."""

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

from typing_extensions import override

__all__ = ["LIMITERS", "FixedWindow", "Limiter", "SlidingWindow", "TokenBucket"]

_TOLERANCE = 1e-9  # a token that is missing only by rounding is not missing


class Limiter(Protocol):
    def admit(self, now: float) -> float | None:
        """None if the request is accepted, else the seconds until one would be."""

    def set_rate(self, rate_per_s: float) -> None:
        """Change the limit from now on."""


class TokenBucket(Limiter):
    """``burst`` tokens at most, refilled evenly; a refused request costs nothing."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._tokens = burst
        self._filled_at = 0.0

    @override
    def admit(self, now: float) -> float | None:
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate_per_s)
        self._filled_at = now
        if self._tokens >= 1.0 - _TOLERANCE:
            self._tokens -= 1.0
            return None
        return (1.0 - self._tokens) / self.rate_per_s

    @override
    def set_rate(self, rate_per_s: float) -> None:
        if self.burst > 1.0:
            self.burst = rate_per_s
        self.rate_per_s = rate_per_s


class FixedWindow(Limiter):
    """A quota per window; a window begins at ``phase_s`` and every ``window_s`` after it."""

    def __init__(self, rate_per_s: float, window_s: float, phase_s: float) -> None:
        self.rate_per_s = rate_per_s
        self.window_s = window_s
        self.phase_s = phase_s
        self._window = 0
        self._count = 0

    @override
    def admit(self, now: float) -> float | None:
        window = math.floor((now - self.phase_s) / self.window_s)
        if window != self._window:
            self._window, self._count = window, 0
        if self._count + 1 <= self.rate_per_s * self.window_s + _TOLERANCE:
            self._count += 1
            return None
        return self.phase_s + (window + 1) * self.window_s - now

    @override
    def set_rate(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s


class SlidingWindow(Limiter):
    """A quota for the last ``window_s``. Refused requests count as well, so whoever keeps retrying stays blocked."""

    def __init__(self, rate_per_s: float, window_s: float) -> None:
        self.rate_per_s = rate_per_s
        self.window_s = window_s
        self._arrivals: deque[float] = deque()

    @override
    def admit(self, now: float) -> float | None:
        arrivals = self._arrivals
        while arrivals and arrivals[0] <= now - self.window_s:
            arrivals.popleft()
        arrivals.append(now)
        over = len(arrivals) - int(self.rate_per_s * self.window_s + _TOLERANCE)
        return None if over <= 0 else arrivals[over - 1] + self.window_s - now

    @override
    def set_rate(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s


LIMITERS: dict[str, Callable[[float, float], Limiter]] = {
    "bucket, burst 1": lambda rate, _: TokenBucket(rate, 1.0),
    "bucket, burst = rate": lambda rate, _: TokenBucket(rate, rate),
    "fixed window 1 s": lambda rate, phase: FixedWindow(rate, 1.0, phase),
    "fixed window 60 s": lambda rate, phase: FixedWindow(rate, 60.0, 60.0 * phase),
    "sliding 1 s, charges": lambda rate, _: SlidingWindow(rate, 1.0),
    "sliding 60 s, charges": lambda rate, _: SlidingWindow(rate, 60.0),
}
"""Name to limiter, given its rate per second and where in its window, in [0, 1), the batch begins."""
