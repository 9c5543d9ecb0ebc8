"""How many attempts may be in flight at once, from how long responses take. Pure.

By Little's law, a service that answers in ``latency`` seconds holds ``rate · latency`` requests. Whatever is sent beyond
that waits in the service's own queue. So while responses take longer than usual, fewer attempts start, before anything is
refused. Netflix's concurrency-limits library derives its limit from the lowest latency as well:
https://github.com/Netflix/concurrency-limits
"""

import math

__all__ = ["ConcurrencyLimit"]

_HEADROOM = 2.0
"""In flight, as a multiple of what Little's law needs: twice leaves room for responses slower than the fastest."""
_MIN_IN_FLIGHT = 4
"""In flight at least, and before the first response: fewer would stop the batch on one slow response."""
_DRIFT = 1.002
"""Growth of the usual latency per response: it doubles in 347 slow ones (1.002^347 = 2), so a lucky one is forgotten."""


class ConcurrencyLimit:
    """Remembers how fast the service responds when it is healthy.

    The usual latency follows a queue that lasts for several hundred responses, and the limit follows with it. This bounds
    a burst of slow responses, not a service that queues for minutes instead of refusing.
    """

    __slots__ = ("_usual_s",)

    def __init__(self) -> None:
        self._usual_s: float | None = None

    def answered(self, latency_s: float) -> None:
        # The lowest latency is the one without a queue; the drift lets a slower service become the usual one.
        usual = latency_s if self._usual_s is None else self._usual_s * _DRIFT
        self._usual_s = min(usual, latency_s)

    def most_in_flight(self, rate_per_s: float) -> int:
        """``4 + 2 · rate · usual latency``."""
        return _MIN_IN_FLIGHT + math.ceil(_HEADROOM * rate_per_s * (self._usual_s or 0.0))
