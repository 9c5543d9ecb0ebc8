"""A cold start: how fast the rate grows until something is refused. Pure.

Each response adds as much as doubles the rate within a response time, as TCP slow start does
(https://www.rfc-editor.org/rfc/rfc5681#section-3.1), but with evenly spaced requests: a pair sent at once would be refused
by a limiter without a burst, whatever its limit. What a start costs is what is in flight when the first refusal arrives.
"""

import math
from dataclasses import dataclass

__all__ = ["DEFAULT_START", "StartPolicy", "growth_per_s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPolicy:
    """How a start grows. README.md has where each value comes from."""

    start_per_s: float = 10.0
    """Requests per second until the first response: two are in flight when it takes a tenth of a second."""
    fastest_doubling_s: float = 0.1
    """Seconds in which the rate doubles, at least: a nearby service answers sooner than a refusal would show a limit."""
    slowest_doubling_s: float = 1.0
    """Seconds in which it doubles, at most: a service may take long to create a run."""
    quick_in_flight: float = 24.0
    """Requests in flight from which on the rate doubles in `slowest_doubling_s` only."""
    most_refused: float = 36.0
    """Requests that may be refused before the first refusal is known; from there on the rate hardly grows."""
    patient_doubling_s: float = 300.0
    """Seconds in which it doubles from there on: a service without a limit is used in the end, however far it is."""


DEFAULT_START = StartPolicy()


def growth_per_s(policy: StartPolicy, rate_per_s: float, response_s: float, fastest_s: float) -> float:
    """Requests per second that a response adds to the rate.

    ``response_s`` is how long responses usually take; a refusal takes about as long as the fastest one, ``fastest_s``.
    """
    doubling_s = policy.slowest_doubling_s
    if rate_per_s * fastest_s >= policy.most_refused:
        doubling_s = policy.patient_doubling_s
    elif rate_per_s * response_s < policy.quick_in_flight:  # Little's law
        doubling_s = min(max(response_s, policy.fastest_doubling_s), doubling_s)
    return math.log(2.0) / doubling_s
