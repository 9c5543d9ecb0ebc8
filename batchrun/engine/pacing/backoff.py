"""How long until a failed run is tried again, and when a sick service is left alone. Pure: no clock, no sleeping.

Both are needed. The jitter spreads the retries of one run; the budget holds the whole batch back, because thousands of
runs that each wait politely still hammer a service that is down.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

__all__ = ["BASE_S", "CAP_S", "DEFAULT_BUDGET", "BudgetPolicy", "RetryBudget", "full_jitter_s"]

BASE_S = 0.5
CAP_S = 60.0
_MAX_DOUBLINGS = 64  # far past any cap; a float overflows at 1,024


def full_jitter_s(
    failures: int, *, base_s: float = BASE_S, cap_s: float = CAP_S, draw: Callable[[], float] = random.random
) -> float:
    """Seconds before the next attempt: ``draw() · min(cap_s, base_s · 2^(failures - 1))``, ``failures`` from 1.

    Full jitter, because it ends a pile-up soonest: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    ``draw`` gives a number in [0, 1).
    """
    doublings = min(max(failures - 1, 0), _MAX_DOUBLINGS)
    return draw() * min(cap_s, base_s * 2.0**doublings)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """``capacity`` failures may come in a row; each success earns ``earned_per_success`` of a failure back."""

    capacity: float = 20.0
    earned_per_success: float = 0.25
    probe_interval_s: float = 5.0


DEFAULT_BUDGET = BudgetPolicy()


class RetryBudget:
    """The batch's retries, as tokens: a failure costs one, a success earns a part of one.

    In the long run at most ``earned_per_success`` retries a success are paid for (as in Finagle and gRPC). With the
    budget spent the batch pauses, first attempts too, but for one probe every ``probe_interval_s``; the first probe that
    succeeds opens it again. Failures are those that tell of a sick service (a 5xx, an answer that was lost). A refusal
    for the rate or a quota is neither; a rejection is a success: the service is there.
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
        """The time at which the next attempt may start: now, or when the next probe is due."""
        if not self.is_spent or self._probed_at is None:
            return now
        return max(now, self._probed_at + self._policy.probe_interval_s)

    def sent(self, now: float) -> None:
        if self.is_spent:
            self._probed_at = now

    def succeeded(self) -> None:
        earned = self._tokens + self._policy.earned_per_success
        self._tokens = min(max(earned, 1.0), self._policy.capacity)
        self._probed_at = None

    def failed(self, now: float) -> None:
        self._tokens = max(self._tokens - 1.0, 0.0)
        if self.is_spent and self._probed_at is None:
            self._probed_at = now

    @override
    def __repr__(self) -> str:
        state = "spent" if self.is_spent else "open"
        return f"<RetryBudget {state}, {self._tokens:.2f} of {self._policy.capacity:g}>"
