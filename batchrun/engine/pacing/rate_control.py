"""Keeps a rate just below a hidden limit: binary search first, small steps once the limit is near. Pure.

Every refusal adds a debt of successes. The rate only rises once that debt is paid, which keeps the share of refused
requests at its target. A pause that the service asks for adds the work that it cost. While the gap between the rate that
held and the rate that was refused is wide, only part of the debt is due, because there is more to gain.
"""

import math
from dataclasses import dataclass
from typing import Self

__all__ = ["DEFAULT_RATE_POLICY", "RateController", "RatePolicy"]

_KNOWN_LIMIT_MARGINS = 2.0
"""Margins from a known limit up to the rate that counts as refused, and down to the start from a learned rate."""
_LEARNED_REFUSALS = 4
"""Refusals charged to a learned rate: it was expensive to find, so confirm that it holds before testing more."""
_BELIEVABLE_SHARE = 0.5
"""A window average below this share of the rate comes from a window that was not filled, and says nothing."""
_MAX_REFUSED_RATIO = 10.0
"""Stands in for "no refused rate yet" (infinity) where an average with the next one is needed."""
_MAX_DOUBLINGS = 64  # a float overflows at 1,024; `largest_step` applies long before


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePolicy:
    """How far and how fast the rate moves. Shares are fractions of 1. README.md has where each value comes from."""

    floor_per_s: float = 1.0 / 60.0
    """Requests per second, at least: one a minute still notices that a limit was lifted."""
    ceiling_per_s: float = 1000.0
    """Requests per second, at most: what one process can pace evenly."""
    refused_target: float = 0.004
    """Share of requests that may be refused: a refusal costs 1 / 0.004 = 250 successes at the same rate."""
    lost_target: float = 0.01
    """Share of the work that pauses may cost: a pause of one second costs the successes of 100 seconds."""
    tight_gap: float = 0.03
    """Gap, as a share of the rate, at which binary search ends: three margins, as between the bounds of a known limit."""
    margin: float = 0.01
    """Share to stay below a known or measured limit, since no measurement is exact."""
    first_cut: float = 0.02
    """Share that the second cut in a row takes off the rate that held; the third takes three times as much, then seven."""
    deepest_cut: float = 0.5
    """Share of the rate that a cut leaves at least: TCP halves its window after a loss as well."""
    gap_step: float = 0.5
    """Share of the gap that a step up takes: half of it is binary search."""
    first_step: float = 0.003
    """Share by which the rate first rises near the limit; doubles each time, so a test of a higher rate costs few refusals."""
    largest_step: float = 0.5
    """Share by which the rate may rise at once: never faster than one and a half times per verification."""
    verify_s: float = 2.0
    """Seconds a rate must hold before the next step: covers windows of one second, whatever their phase."""
    verify_successes: int = 8
    """Successes a rate must bring before the next step: at low rates two seconds hold too few."""
    quick_verify_s: float = 0.25
    """The same until the limit was measured for the first time: the search is coarse then, and soon corrected."""
    quick_successes: int = 4
    """The same: at low rates a few are enough to halve the gap."""
    longest_hold_s: float = 120.0
    """Seconds for which debt can keep the rate where it is: a limit that has grown is noticed within minutes."""
    longest_verify_s: float = 30.0
    """Seconds to wait for `verify_successes` at most: bounds the search at a few requests a minute."""
    slow_step: float = 0.25
    """Share by which a rate too low for `verify_successes` rises at least: 0.3 % a step would take hours."""


DEFAULT_RATE_POLICY = RatePolicy()


class RateController:
    """The current rate, the lowest rate refused, the last rate that held, and the debt to pay before the next step."""

    __slots__ = (
        "_announced_per_s",
        "_debt",
        "_held_per_s",
        "_policy",
        "_since",
        "_steps",
        "_successes",
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
        self._debt = 0.0  # in successes
        self._successes = 0  # at the current rate
        self._steps = 0  # up, since the last cut
        self._since = -math.inf

    @classmethod
    def from_learned(cls, policy: RatePolicy, learned_per_s: float, *, refused_per_s: float = 0.0) -> Self:
        """Start just below the limit that an earlier session found, in no hurry to go above it.

        Where that session was still looking for it below ``refused_per_s``, the gap is wide, and little of the debt is due.
        """
        margin = _KNOWN_LIMIT_MARGINS * policy.margin
        refused_per_s = max(learned_per_s * (1.0 + margin), refused_per_s)
        controller = cls(policy, learned_per_s * (1.0 - margin), refused_per_s=refused_per_s)
        for _ in range(_LEARNED_REFUSALS):
            controller.add_refusal_debt()
        return controller

    @property
    def is_holding(self) -> bool:
        return self._debt > 0.0

    @property
    def gap(self) -> float:
        """Distance up to the refused rate, as a share of the rate; 0 when that rate is unknown or not above."""
        return self.refused_per_s / self.rate_per_s - 1.0 if self.rate_per_s < self.refused_per_s < math.inf else 0.0

    def learned(self) -> tuple[float, float | None]:
        """For the next session: the rate, and the one refused while the gap is wider than around a known limit."""
        is_wide = self.gap > 2.0 * self._policy.tight_gap
        rate_per_s = min(self.rate_per_s, self.refused_per_s)  # while probing, the rate may be the higher one
        return rate_per_s, self.refused_per_s if is_wide else None

    def add_refusal_debt(self) -> None:
        self._debt += 1.0 / self._policy.refused_target

    def add_pause_debt(self, seconds: float) -> None:
        self._debt += seconds * self.rate_per_s / self._policy.lost_target

    def succeeded(self, now: float, *, sent_at: float, verify_s: float = 0.0, is_quick: bool = False) -> bool:
        """Count a success at the current rate; True when it was the last one needed and the rate went up."""
        if sent_at < self._since:
            return False
        self._successes += 1
        if self._successes < (self._quickly_needed() if is_quick else self._needed(verify_s)):
            return False
        self._step_up(now)
        return True

    def grow(self, now: float, by_per_s: float) -> None:
        self._set_rate(now, self.rate_per_s + by_per_s)

    def cut_to(self, now: float, share: float, *, refused_per_s: float) -> None:
        """React to a refusal about which nothing else is known."""
        self._lower(now, self.rate_per_s * share, refused_per_s)

    def cut(self, now: float, *, refused_per_s: float, average_per_s: float) -> None:
        """React to a refusal of a request sent at ``refused_per_s``; ``average_per_s`` was accepted since the last one.

        Between two refusals a token bucket goes from empty to empty, so the average is its rate, or less if the bucket
        was full in between. Cuts in a row go deeper, by ``first_cut · (2^cuts - 1)``.
        """
        depth = min(1.0, self._policy.first_cut * (2.0**self.cuts - 1.0))
        held = min(self._held_per_s, self.rate_per_s) * (1.0 - depth)
        best = max(average_per_s, held, self.rate_per_s * self._policy.deepest_cut)
        self._lower(now, min(self.rate_per_s, best) * (1.0 - self._policy.margin), refused_per_s)

    def back_off(self, now: float, *, refused_per_s: float, window_per_s: float | None) -> None:
        """React to a refusal near the end of a window that allows ``window_per_s``; None right after a reset."""
        rate = self.rate_per_s
        if window_per_s is not None:
            is_believable = _BELIEVABLE_SHARE * rate < window_per_s < rate
            rate = (window_per_s if is_believable else rate) * (1.0 - self._policy.margin)
        self._lower(now, rate, refused_per_s)

    def set_limit(self, now: float, limit_per_s: float, *, refused_per_s: float = 0.0) -> None:
        """The limit was measured; ``refused_per_s`` is what is certainly too fast, if that is higher than the error."""
        self.cuts = 0
        self._set_rate(now, limit_per_s * (1.0 - self._policy.margin))
        self._held_per_s = min(self._held_per_s, self.rate_per_s)
        self.refused_per_s = max(limit_per_s * (1.0 + _KNOWN_LIMIT_MARGINS * self._policy.margin), refused_per_s)

    def lower(self, now: float, rate_per_s: float) -> None:
        """Nothing was accepted for a while that would justify the current rate; it may only go down."""
        if rate_per_s < self.rate_per_s:
            self.refused_per_s = min(self.refused_per_s, self.rate_per_s)
            self._set_rate(now, rate_per_s)

    def cap(self, now: float, limit_per_s: float) -> None:
        """The service announced its limit: never search above it."""
        announced = limit_per_s * (1.0 - self._policy.margin)
        if announced != self._announced_per_s:
            self._announced_per_s = announced
            self._set_rate(now, self.rate_per_s)

    def restart(self, now: float) -> None:
        """Verify the current rate again from the beginning."""
        self._set_rate(now, self.rate_per_s)

    def _lower(self, now: float, rate_per_s: float, refused_per_s: float) -> None:
        known = min(self.refused_per_s, _MAX_REFUSED_RATIO * refused_per_s)
        # A second refusal in a row is often an effect of the first, so it moves the bound only half the way.
        self.refused_per_s = (known + refused_per_s) / 2.0 if self.cuts else refused_per_s
        self._held_per_s = min(self._held_per_s, rate_per_s)
        self.cuts += 1
        self._steps = 0
        self._set_rate(now, rate_per_s)

    def _needed(self, verify_s: float) -> float:
        """Successes before the next step: enough to verify the rate, and to pay the debt."""
        policy = self._policy
        fewest = max(1.0, min(policy.verify_successes, policy.longest_verify_s * self.rate_per_s))
        verify = max(fewest, max(policy.verify_s, verify_s) * self.rate_per_s)
        gap = self.gap
        due = self._debt * min(1.0, policy.tight_gap / gap) if gap > 0.0 else self._debt
        return max(verify, min(due, policy.longest_hold_s * self.rate_per_s))

    def _quickly_needed(self) -> float:
        return max(self._policy.quick_successes, self._policy.quick_verify_s * self.rate_per_s)

    def _step_up(self, now: float) -> None:
        if self._steps == 0:
            self._held_per_s = self.rate_per_s
        step = self._step()
        self.cuts = 0
        self._debt = 0.0
        self._set_rate(now, self.rate_per_s * (1.0 + min(step, self._policy.largest_step)))

    def _step(self) -> float:
        """The next step up, as a share of the rate: half of the gap, or twice the last step where the gap is tight."""
        policy = self._policy
        if self.rate_per_s >= self.refused_per_s:
            self.refused_per_s = math.inf  # what was refused once holds now: the limit is unknown again
        gap = self.gap
        step = max(gap * policy.gap_step, policy.first_step * 2.0 ** min(self._steps, _MAX_DOUBLINGS))
        if gap <= policy.tight_gap:
            self._steps += 1
        is_slow = self.rate_per_s * policy.longest_verify_s < policy.verify_successes
        return max(step, policy.slow_step) if is_slow and not self.is_holding else step

    def _set_rate(self, now: float, rate_per_s: float) -> None:
        """Change the rate; only requests sent from ``now`` on count for it."""
        self.rate_per_s = self._bounded(rate_per_s)
        self._since = now
        self._successes = 0

    def _bounded(self, rate_per_s: float) -> float:
        return max(min(rate_per_s, self._policy.ceiling_per_s, self._announced_per_s), self._policy.floor_per_s)
