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
    most_in_flight: float = 48.0
    """Requests in flight from which on it does not grow, until much has been accepted."""
    accepted_share: float = 0.02
    """Share of what was accepted by which that bound rises: then a refusal of all of them is a few percent."""


DEFAULT_START = StartPolicy()


def growth_per_s(policy: StartPolicy, rate_per_s: float, response_s: float, accepted: int) -> float:
    """Requests per second that a response adds to the rate; ``response_s`` is how long responses usually take."""
    in_flight = rate_per_s * response_s  # Little's law
    if in_flight >= policy.most_in_flight + policy.accepted_share * accepted:
        return 0.0
    doubling_s = policy.slowest_doubling_s
    if in_flight < policy.quick_in_flight:
        doubling_s = min(max(response_s, policy.fastest_doubling_s), doubling_s)
    return math.log(2.0) / doubling_s
