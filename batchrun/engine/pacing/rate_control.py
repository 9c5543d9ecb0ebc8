"""Hovering just under a hidden rate: binary search between what held and what was refused, small steps near it. Pure.

Every refusal is paid for: the rate stays where it is until so many successes have come in that the refusals remain below
the share aimed at. A pause that the service asked for is paid for too, by the work that it cost. The wider the gap
between the rate that held and the one that was refused, the smaller the part to be paid, since more is to be gained.
"""

import math
from dataclasses import dataclass

__all__ = ["DEFAULT_RATE_POLICY", "RateController", "RatePolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePolicy:
    """Shares are of 1; ``…_s`` are seconds; rates a second."""

    floor_per_s: float = 1.0 / 60.0
    ceiling_per_s: float = 1000.0
    refused_target: float = 0.004
    lost_target: float = 0.01
    tight_gap: float = 0.03
    margin: float = 0.01
    first_cut: float = 0.02
    deepest_cut: float = 0.5
    first_step: float = 0.003
    largest_step: float = 0.5
    verify_s: float = 2.0
    verify_successes: int = 8
    longest_hold_s: float = 120.0
    longest_verify_s: float = 30.0
    slow_step: float = 0.25


DEFAULT_RATE_POLICY = RatePolicy()


class RateController:
    """The rate, the lowest one that was refused, the last that held, and what is still to be paid before the next step."""

    __slots__ = (
        "_announced_per_s",
        "_debt",
        "_good",
        "_held_per_s",
        "_policy",
        "_since",
        "_steps",
        "cuts",
        "rate_per_s",
        "refused_per_s",
    )

    def __init__(self, policy: RatePolicy, rate_per_s: float, *, refused_per_s: float = math.inf) -> None:
        self._policy = policy
        self._announced_per_s = math.inf
        self.rate_per_s = self._bounded(rate_per_s)
        self.refused_per_s = refused_per_s
        self.cuts = 0  # in a row: since the last step up
        self._held_per_s = 0.0
        self._debt = 0.0  # successes
        self._good = 0  # of the present rate
        self._steps = 0  # up, since the last cut
        self._since = -math.inf

    @property
    def is_holding(self) -> bool:
        return self._debt > 0.0

    @property
    def gap(self) -> float:
        """How far above the rate the refused one lies, as a share of the rate; 0 when it is not above, or unknown."""
        return self.refused_per_s / self.rate_per_s - 1.0 if self.rate_per_s < self.refused_per_s < math.inf else 0.0

    def add_refusal_debt(self) -> None:
        self._debt += 1.0 / self._policy.refused_target

    def add_pause_debt(self, seconds: float) -> None:
        self._debt += seconds * self.rate_per_s / self._policy.lost_target

    def succeeded(self, now: float, *, sent_at: float, verify_s: float = 0.0) -> bool:
        """Count a success of the present rate; True when it was the last one needed and the rate went up."""
        if sent_at < self._since:
            return False
        self._good += 1
        if self._good < self._needed(verify_s):
            return False
        self._step_up(now)
        return True

    def grow(self, now: float, by_per_s: float) -> None:
        self._level(now, self.rate_per_s + by_per_s)

    def halve(self, now: float, *, refused_per_s: float) -> None:
        """The first refusal of all."""
        self.refused_per_s = refused_per_s
        self._steps = 0
        self._level(now, self.rate_per_s / 2.0)

    def cut(self, now: float, *, refused_per_s: float, average_per_s: float) -> None:
        """A refusal of a request sent at ``refused_per_s``; ``average_per_s`` was let in since the one before.

        Between two refusals a bucket went from empty to empty, so the average is its rate, or less if it overflowed. Cuts
        in a row go deeper, twice as deep each.
        """
        depth = min(1.0, self._policy.first_cut * (2.0**self.cuts - 1.0))
        held = min(self._held_per_s, self.rate_per_s) * (1.0 - depth)
        best = max(average_per_s, held, self.rate_per_s * self._policy.deepest_cut)
        self._give_way(now, min(self.rate_per_s, best) * (1.0 - self._policy.margin), refused_per_s)

    def back_off(self, now: float, *, refused_per_s: float, window_per_s: float | None) -> None:
        """A refusal near the end of a window that gives ``window_per_s`` on average; None when it has just turned."""
        rate = self.rate_per_s
        if window_per_s is not None:
            rate = (window_per_s if 0.5 * rate < window_per_s < rate else rate) * (1.0 - self._policy.margin)
        self._give_way(now, rate, refused_per_s)

    def set_limit(self, now: float, limit_per_s: float) -> None:
        """The limit is known to be this."""
        self.cuts = 0
        self._level(now, limit_per_s * (1.0 - self._policy.margin))
        self.refused_per_s = limit_per_s * (1.0 + 2.0 * self._policy.margin)

    def cap(self, now: float, limit_per_s: float) -> None:
        """The service says that this is its limit: it is no longer searched for above."""
        announced = limit_per_s * (1.0 - self._policy.margin)
        if announced != self._announced_per_s:
            self._announced_per_s = announced
            self._level(now, self.rate_per_s)

    def restart(self, now: float) -> None:
        """Count anew at the same rate."""
        self._level(now, self.rate_per_s)

    def _give_way(self, now: float, rate_per_s: float, refused_per_s: float) -> None:
        known = min(self.refused_per_s, 10.0 * refused_per_s)
        # A second refusal in a row is often the first one's doing: it counts by half.
        self.refused_per_s = (known + refused_per_s) / 2.0 if self.cuts else refused_per_s
        self._held_per_s = min(self._held_per_s, rate_per_s)
        self.cuts += 1
        self._steps = 0
        self._level(now, rate_per_s)

    def _needed(self, verify_s: float) -> float:
        policy = self._policy
        fewest = max(1.0, min(policy.verify_successes, policy.longest_verify_s * self.rate_per_s))
        verify = max(fewest, max(policy.verify_s, verify_s) * self.rate_per_s)
        gap = self.gap
        owed = self._debt * min(1.0, policy.tight_gap / gap) if gap > 0.0 else self._debt
        return max(verify, min(owed, policy.longest_hold_s * self.rate_per_s))

    def _step_up(self, now: float) -> None:
        if self._steps == 0:
            self._held_per_s = self.rate_per_s
        step = self._step()
        self.cuts = 0
        self._debt = 0.0
        self._level(now, self.rate_per_s * (1.0 + min(step, self._policy.largest_step)))

    def _step(self) -> float:
        """The next step up, as a share of the rate: half of the gap, or near the limit and beyond it twice the last one."""
        policy = self._policy
        if self.rate_per_s >= self.refused_per_s:
            self.refused_per_s = math.inf
        gap = self.gap
        step = max(gap / 2.0, policy.first_step * 2.0 ** min(self._steps, 64))
        if gap <= policy.tight_gap:
            self._steps += 1
        is_slow = self.rate_per_s * policy.longest_verify_s < policy.verify_successes
        return max(step, policy.slow_step) if is_slow and not self.is_holding else step

    def _level(self, now: float, rate_per_s: float) -> None:
        self.rate_per_s = self._bounded(rate_per_s)
        self._since = now
        self._good = 0

    def _bounded(self, rate_per_s: float) -> float:
        return max(min(rate_per_s, self._policy.ceiling_per_s, self._announced_per_s), self._policy.floor_per_s)
