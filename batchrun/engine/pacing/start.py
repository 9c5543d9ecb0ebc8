"""A cold start: how fast the rate grows until something is refused. Pure.

Each response adds as much as doubles the rate within a response time, as TCP slow start does
(https://www.rfc-editor.org/rfc/rfc5681#section-3.1), but with evenly spaced requests: a pair sent at once would be refused
by a limiter without a burst, whatever its limit. What a start costs is what is in flight when the first refusal arrives.
"""

import math
from dataclasses import dataclass

__all__ = ["DEFAULT_START", "Start", "StartPolicy"]

_SMOOTHING = 32
"""Responses that the moving average of their times goes back: single times scatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPolicy:
    """How a start grows. README.md has where each value comes from."""

    start_per_s: float = 10.0
    """Requests per second until the first response: two are in flight when it takes a tenth of a second."""
    fastest_doubling_s: float = 0.1
    """Seconds in which the rate doubles, at least: a nearby service answers sooner than a refusal would show a limit."""
    slowest_doubling_s: float = 1.0
    """Seconds in which it doubles, at most: a service may take long to create a run."""
    quick_in_flight: float = 16.0
    """Requests in flight from which on the rate doubles in `slowest_doubling_s` only."""
    most_refused: float = 24.0
    """Requests that may be refused before the first refusal is known; from there on the rate hardly grows.

    A window of a minute then costs at most 50 refusals until it accepts again, probes included; with 36, up to 65.
    """
    slowest_refusal_s: float = 0.5
    """Seconds that a refusal takes, at most: where responses take longer, it is the work that takes the time."""
    patient_doubling_s: float = 300.0
    """Seconds in which it doubles from there on: a limit that high, far away, is found within minutes."""


DEFAULT_START = StartPolicy()


class Start:
    """Remembers how long responses take, and says how much one adds to the rate."""

    __slots__ = ("_answers", "_fastest_s", "_mean_s", "_policy")

    def __init__(self, policy: StartPolicy) -> None:
        self._policy = policy
        self._answers = 0
        self._mean_s = 0.0
        self._fastest_s = math.inf

    def growth_per_s(self, rate_per_s: float, response_s: float) -> float:
        """Requests per second that a response which took ``response_s`` adds to the rate."""
        policy = self._policy
        self._answers += 1
        self._mean_s += (response_s - self._mean_s) / min(self._answers, _SMOOTHING)
        self._fastest_s = min(self._fastest_s, response_s)
        refusal_s = min(self._fastest_s, policy.slowest_refusal_s)
        doubling_s = policy.slowest_doubling_s
        if rate_per_s * refusal_s >= policy.most_refused:
            doubling_s = policy.patient_doubling_s
        elif rate_per_s * self._mean_s < policy.quick_in_flight:  # Little's law
            doubling_s = min(max(self._mean_s, policy.fastest_doubling_s), doubling_s)
        return math.log(2.0) / doubling_s
