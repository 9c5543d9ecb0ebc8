"""How many attempts may be in flight at once, from how long responses take. Pure.

By Little's law, a service that answers in ``latency`` seconds holds ``rate · latency`` requests. Whatever is sent beyond
that waits in the service's own queue. So while responses take much longer than they do without a queue, fewer attempts
start, although nothing is refused.

Responses slow down for two reasons that look alike: a queue, or a service that has become slower. They differ when less is
sent: a queue gets shorter, a slow service stays slow. So when responses stay slow for a while, only an eighth of the attempts
is let through for a few responses, and what these take is believed. BBR measures its shortest round trip in the same way:
https://datatracker.ietf.org/doc/html/draft-cardwell-iccrg-bbr-congestion-control#section-4.3.4
"""

import math
from collections import deque

__all__ = ["ConcurrencyLimit"]

_HEADROOM = 2.0
"""In flight, as a multiple of what Little's law needs: leaves room for responses that are slower than usual."""
_MIN_IN_FLIGHT = 4
"""In flight, at least, and before the first response: fewer would stop the batch on one slow response."""
_SMOOTHING = 128
"""Responses that the moving average of their times goes back: single times scatter too much to tell slow from usual."""
_THROUGHPUT_RESPONSES = 16
"""Responses over which their number per second is measured."""
_GROWTH = 2.0
"""Times the measured throughput up to which the rate counts: a start doubles within a response time."""
_MOST_DOUBLINGS = 10.0
"""Bounds that number where a response takes many seconds, in each of which a start may double."""
_SLOW = 2.0
"""Times the usual response time from which on responses are slow: from there on the limit holds attempts back."""
_SLOW_FOR_S = 10.0
"""Seconds of slow responses after which the usual time is measured again, as in BBR."""
_MEASURED_SHARE = 0.125
"""Share of the limit that is let through meanwhile. With half of it, a queue would confirm itself and grow."""
_MEASURED_RESPONSES = 8
"""Responses whose average becomes the usual time."""


class ConcurrencyLimit:
    """Remembers how long responses take without a queue."""

    __slots__ = (
        "_answered_at",
        "_answers",
        "_first",
        "_measured_s",
        "_measures_from",
        "_recent_s",
        "_slow_since",
        "usual_s",
    )

    def __init__(self) -> None:
        self.usual_s = 0.0
        """How long a response takes without a queue; 0 before it is known."""
        self._first: dict[int, float] = {}  # response times of the first requests, by their number
        self._recent_s = 0.0
        self._answers = 0
        self._answered_at: deque[float] = deque(maxlen=_THROUGHPUT_RESPONSES + 1)
        self._slow_since: float | None = None
        self._measures_from: float | None = None  # while measuring: since when the queue is gone; infinity until then
        self._measured_s: list[float] = []

    @property
    def is_measuring(self) -> bool:
        return self._measures_from is not None

    def most_in_flight(self, rate_per_s: float) -> float:
        """``4 + 2 · rate · usual response time``, and an eighth of it while that time is measured.

        No bound before the first requests are answered: of many, the fast ones are back first, and show too short a time.
        """
        if self.usual_s == 0.0:
            return math.inf
        most = _MIN_IN_FLIGHT + math.ceil(_HEADROOM * min(rate_per_s, self._throughput()) * self.usual_s)
        return max(1, round(most * _MEASURED_SHARE)) if self.is_measuring else most

    def answered(self, now: float, number: int, latency_s: float, *, in_flight: int, rate_per_s: float) -> None:
        """The response to request ``number`` arrived; ``in_flight`` requests are still under way."""
        self._answers += 1
        self._answered_at += [now - latency_s, now] if not self._answered_at else [now]
        self._recent_s += (latency_s - self._recent_s) / min(self._answers, _SMOOTHING)
        if self.usual_s == 0.0:
            self._begin(number, latency_s)
            return
        self.usual_s = min(self.usual_s, self._recent_s)
        if self._measures_from is not None:
            self._measure(now, latency_s, has_drained=in_flight < self.most_in_flight(rate_per_s))
        elif self._recent_s <= _SLOW * self.usual_s:
            self._slow_since = None
        elif self._slow_since is None:
            self._slow_since = now
        elif now - self._slow_since > _SLOW_FOR_S:
            self._measures_from = math.inf

    def _begin(self, number: int, latency_s: float) -> None:
        if number <= _MEASURED_RESPONSES:
            self._first[number] = latency_s
        if len(self._first) == _MEASURED_RESPONSES:
            self.usual_s = self._recent_s = sum(self._first.values()) / _MEASURED_RESPONSES
        elif self._answers >= _SMOOTHING:  # one of the first was lost
            self.usual_s = self._recent_s

    def _measure(self, now: float, latency_s: float, *, has_drained: bool) -> None:
        if self._measures_from == math.inf and has_drained:
            self._measures_from = now
        elif now - latency_s >= (self._measures_from or 0.0):
            self._measured_s.append(latency_s)
        if len(self._measured_s) >= _MEASURED_RESPONSES:
            self.usual_s = self._recent_s = sum(self._measured_s) / len(self._measured_s)
            self._measured_s.clear()
            self._measures_from = None
            self._slow_since = None

    def _throughput(self) -> float:
        """Responses per second that the service has shown to give, with room to grow."""
        if not self._answered_at:
            return 0.0
        span_s = self._answered_at[-1] - self._answered_at[0]
        growth = max(_GROWTH, 2.0 ** min(self.usual_s, _MOST_DOUBLINGS))
        return growth * (len(self._answered_at) - 1) / span_s if span_s > 0.0 else math.inf
