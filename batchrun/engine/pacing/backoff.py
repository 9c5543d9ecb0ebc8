"""How long to wait before retrying one failed run, and when to stop retrying altogether. Pure: no clock, no sleeping.

Both are needed. Jitter spreads the retries of one run. The budget holds the whole batch back, because thousands of runs
that each back off politely still overload a service that is down.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

__all__ = ["BASE_S", "CAP_S", "DEFAULT_BUDGET", "BudgetPolicy", "RetryBudget", "full_jitter_s"]

BASE_S = 0.5
"""Longest wait after the first failure: a dropped connection is retried soon; nothing is left to gain below that."""
CAP_S = 60.0
"""Longest wait after many failures: once the service is back, no run waits for more than a minute."""
_MAX_DOUBLINGS = 64  # far beyond any cap; a float overflows at 1,024


def full_jitter_s(
    failures: int, *, base_s: float = BASE_S, cap_s: float = CAP_S, draw: Callable[[], float] = random.random
) -> float:
    """Seconds before the next attempt: ``draw() · min(cap_s, base_s · 2^(failures - 1))``, ``failures`` from 1.

    "Full jitter" needs the fewest calls to clear contention:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    ``draw`` returns a number in [0, 1).
    """
    doublings = min(max(failures - 1, 0), _MAX_DOUBLINGS)
    return draw() * min(cap_s, base_s * 2.0**doublings)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """How many failures a batch may cause. README.md has where each value comes from."""

    capacity: float = 20.0
    """Failures in a row before the batch pauses: the requests in flight when a service restarts may all fail."""
    earned_per_success: float = 0.25
    """Failures that a success pays for: up to one request in five may fail forever without a pause."""
    probe_interval_s: float = 5.0
    """Seconds between probes of a paused batch: a recovery is noticed soon, at twelve requests a minute."""


DEFAULT_BUDGET = BudgetPolicy()


class RetryBudget:
    """The retries that a batch can afford, as tokens: a failure costs one, a success earns a fraction of one.

    In the long run, ``earned_per_success`` retries per success are affordable, as in Finagle
    (https://finagle.github.io/blog/2016/02/08/retry-budgets/) and gRPC
    (https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs). Unlike
    there, a spent budget also holds first attempts back, except for one probe every ``probe_interval_s``; the first probe
    that succeeds ends the pause.

    A failure is a 5xx or a lost response: it shows an unhealthy service. A refusal for the rate or a quota is neither
    failure nor success. A rejected run is a success: the service responds.
    """

    __slots__ = ("_policy", "_probed_at", "_tokens")

    def __init__(self, policy: BudgetPolicy = DEFAULT_BUDGET) -> None:
        self._policy = policy
        self._tokens = policy.capacity
        self._probed_at: float | None = None

    @property
    def is_spent(self) -> bool:
        return self._tokens < 1.0

    def next_start(self, now: float) -> float:
        """When the next attempt may start: now, or when the next probe is due."""
        if not self.is_spent or self._probed_at is None:
            return now
        return max(now, self._probed_at + self._policy.probe_interval_s)

    def sent(self, now: float) -> None:
        if self.is_spent:
            self._probed_at = now

    def succeeded(self) -> None:
        earned = self._tokens + self._policy.earned_per_success
        self._tokens = min(max(earned, 1.0), self._policy.capacity)  # at least one: a success ends the pause
        self._probed_at = None

    def failed(self, now: float) -> None:
        self._tokens = max(self._tokens - 1.0, 0.0)
        if self.is_spent and self._probed_at is None:
            self._probed_at = now

    @override
    def __repr__(self) -> str:
        state = "spent" if self.is_spent else "open"
        return f"<RetryBudget {state}, {self._tokens:.2f} of {self._policy.capacity:g}>"
