"""How many attempts may be under way at once, from how long answers take. Pure.

By Little's law a service that answers in ``latency`` holds ``rate · latency`` requests. Twice that is room enough; what
goes beyond waits in the service's own queue and makes everything slower. So answers that take longer than they used to
slow the sending down before anything is refused.
"""

import math

__all__ = ["ConcurrencyLimit"]

_ROOM = 2.0
_LEAST = 4
_DRIFT = 1.002  # a share each answer: what was fast once is forgotten in a few hundred answers


class ConcurrencyLimit:
    """Remembers how fast the service answers when it is well."""

    __slots__ = ("_usual_s",)

    def __init__(self) -> None:
        self._usual_s: float | None = None

    def answered(self, latency_s: float) -> None:
        usual = latency_s if self._usual_s is None else self._usual_s * _DRIFT
        self._usual_s = min(usual, latency_s)

    def most_in_flight(self, rate_per_s: float) -> int:
        """At least four, and before the first answer no more than that."""
        return _LEAST + math.ceil(_ROOM * rate_per_s * (self._usual_s or 0.0))
