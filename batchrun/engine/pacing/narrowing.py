"""From the first refusal until the limit is measured. Pure.

The first refusal shows that the limiter has nothing left. Whatever it accepts from then on, while it refuses the rest, is
the limit itself. A token bucket shows that between any two refusals; a quota per window, which refuses everything until it
resets, only from one closure to the next.
"""

import bisect
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Measured", "Narrowing"]

_FEWEST = 10
"""Accepted requests that give an idea of the limit: one more or less is 10 % of it."""
_AGREEMENT = 0.9
"""Share of the refused rate from which on a measured limit is believed: below, the bucket may have been full meanwhile."""
_MOST_CUTS = 12
"""Cuts after which the search continues without a measurement: at low rates, hardly anything is accepted between two."""
_FEWEST_REFUSALS = 15
"""Refusals that closures may cost before what they show is believed."""
_BOUND_MARGIN = 1.02
"""From the higher of two estimates up to the rate that counts as refused: two margins of the controller."""
_SECOND_S = 1.0
"""The shortest window that people configure: an estimate from closures needs one."""


class Measured(NamedTuple):
    limit_per_s: float
    refused_per_s: float
    """What certainly is too fast."""


class Narrowing:
    """What was accepted since the first refusal, and what that says about the limit.

    ``is_over`` once a measurement can be believed; from then on the search is in no hurry.
    """

    __slots__ = (
        "_accepted_at",
        "_began_at",
        "_bound_per_s",
        "_closed_at",
        "_cuts",
        "_empty_at",
        "_refusals",
        "_refused_at",
        "_since_closed",
        "is_over",
    )

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._accepted_at: list[float] = []  # when accepted requests were sent, in order, since the last closure
        self._empty_at: float | None = None  # the first refusal since the bucket could last be full
        self._refused_at = began_at
        self._closed_at: float | None = None
        self._since_closed = 0  # accepted requests
        self._bound_per_s = 0.0
        self._refusals = 0
        self._cuts = 0
        self.is_over = False

    def accepted(self, sent_at: float) -> None:
        bisect.insort(self._accepted_at, sent_at)
        self._since_closed += 1

    def refused(self) -> None:
        self._refusals += 1

    def between_refusals(self, sent_at: float, rate_per_s: float, unanswered: Iterable[float]) -> Measured | None:
        """The limit as a token bucket shows it, when a request sent ``sent_at`` at ``rate_per_s`` was refused.

        What was sent before and is ``unanswered`` counts as accepted: refusals come back faster.
        """
        empty_at, refused_at, self._refused_at = self._empty_at, self._refused_at, sent_at
        self._cuts += 1
        self.is_over = self._cuts >= _MOST_CUTS
        if empty_at is None:
            self._empty_at = sent_at
            return None
        pending = [at for at in unanswered if at < sent_at]
        whole, recent = (self._average(start, sent_at, pending) for start in (empty_at, refused_at))
        best = max((average for average in (whole, recent) if average is not None), default=None)
        if best is None:
            return None
        is_close = best > _AGREEMENT * rate_per_s
        # Right after a cut the bucket is still empty: a refusal then does not show that the lower rate is too fast.
        if recent is not None or not is_close:
            self._bound_per_s = rate_per_s
        self.is_over = self.is_over or (recent is not None and is_close)
        return Measured(best, max(self._bound_per_s, rate_per_s))

    def between_closures(self, at: float, rate_per_s: float, last_second: float) -> Measured | None:
        """The limit as a quota shows it, when everything sent from ``at`` on was refused; None for the first closure.

        ``last_second`` requests were accepted in the second before. That may be the quotas of two windows; the average
        since the last closure depends on when in its window each of the two came. The lower one is closer.
        """
        closed_at, since_closed = self._closed_at, self._since_closed
        self._closed_at, self._since_closed = at, 0
        if closed_at is None or at - self._began_at < _SECOND_S or at <= closed_at:
            return None
        average = since_closed / (at - closed_at)
        self.is_over = self._refusals >= _FEWEST_REFUSALS
        bound = min(max(last_second, average) * _BOUND_MARGIN, rate_per_s) if self.is_over else rate_per_s
        return Measured(min(last_second, average), bound)

    def reopened(self) -> None:
        """Nothing was sent for a while, so a bucket may be full again."""
        self._empty_at = None
        self._accepted_at.clear()

    def _average(self, start: float, end: float, pending: list[float]) -> float | None:
        """Accepted requests per second; None from too few, or too short a time."""
        count = bisect.bisect_left(self._accepted_at, end) - bisect.bisect_right(self._accepted_at, start)
        count += sum(at > start for at in pending)
        return count / (end - start) if count >= _FEWEST and end > start else None
