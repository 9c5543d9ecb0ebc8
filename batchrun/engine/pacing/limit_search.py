"""Finds a hidden rate limit from what is accepted and what is refused, and says when the next attempt may start. Pure.

The search starts slowly and doubles its rate every second until the first refusal; then `RateController` narrows the limit
down and holds it. Once everything is refused, `QuotaWindow` takes over: only single probes are sent, and what the window
accepted is the limit. README.md has a state diagram. There is no clock and no waiting here: every call is given ``now``,
in seconds of one monotonic clock.
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from typing_extensions import override

from batchrun.engine.pacing.quota_window import DEFAULT_PROBES, AcceptedCount, ProbePolicy, QuotaWindow, RefusalStreaks
from batchrun.engine.pacing.rate_control import DEFAULT_RATE_POLICY, RateController, RatePolicy
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["DEFAULT_SEARCH", "Learned", "LimitSearch", "SearchPolicy", "SearchState", "Snapshot", "Ticket"]

_REFUSAL_WEIGHT = 0.1
"""Weight of a refusal's response time in the moving average: settles within some twenty refusals."""
_CUTS_BEFORE_DOUBT = 4
"""Cuts in a row within a window before the window itself is doubted: a window refuses near its end only."""
_MIN_CYCLE_COUNT = 10
"""Requests accepted since the last cut, at least, to average: with ten, one more or less is 10 % of the rate."""
_MIN_WINDOW_COUNT = 5
"""Requests accepted in a window, at least, to infer a limit from: fewer would be mostly rounding."""
_MIN_RESET_S = 2.0
"""Announced resets to wait for: with a shorter one, a token bucket without a burst has "none remaining" all the time."""
_ON_TIME_SHARE = 0.5
"""How late an attempt may start, as a share of the interval, and still count as sent at the full rate."""
_VERIFY_SHARE = 0.25
"""Share of a window's length for which a rate must hold within it: four steps a window."""
_RETRY_AFTER_ROUNDING_S = 1.0
"""``Retry-After`` has whole seconds (RFC 9110, section 10.2.3), so up to one of them may be rounding."""


class SearchState(Enum):
    """What the search is doing; the value is shown to the user."""

    STARTING = "finding the limit"
    SEARCHING = "narrowing down the limit"
    HOLDING = "holding just below the limit"
    PROBING = "testing a slightly higher rate"
    CLOSED = "waiting for the rate limit window to reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the next session starts from: the rate that held and, if the limit has a window, its length."""

    rate_per_s: float
    window_s: float | None = None


class Ticket(NamedTuple):
    """One attempt: issued when it starts, returned with its response."""

    number: int
    sent_at: float
    rate_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPolicy:
    """How the search starts and reacts. README.md has where each value comes from."""

    start_per_s: float = 2.0
    """Requests per second at a cold start: within what any limit worth a batch allows."""
    doubling_s: float = 1.0
    """Seconds in which the rate doubles until the first refusal: 2 to 1,000 a second in nine seconds."""
    catch_up_s: float = 0.02
    """Seconds a start may be late without losing its place: covers a late timer, not a stall that would burst."""
    echo_s: float = 0.3
    """Seconds after a cut in which requests are sent that do not cut again: a closed window refuses any rate.

    The closer the service, the more refusals arrive before the window can reset.
    """
    closed_after: int = 3
    """Refusals of consecutive requests that close the window: at a rate only a little too high, some succeed in between."""
    longest_pause_s: float = 3600.0
    """Seconds of a ``Retry-After`` that are honored at most: the longest window that people configure."""
    longest_verify_s: float = 30.0
    """Seconds a rate within a long window must hold at most: a quarter of an hour per step would never end."""
    controller: RatePolicy = DEFAULT_RATE_POLICY
    probes: ProbePolicy = DEFAULT_PROBES


DEFAULT_SEARCH = SearchPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The search at one moment."""

    state: SearchState
    rate_per_s: float
    limit_per_s: float | None
    """The lowest rate seen refused; None before the first refusal."""
    window_s: float | None
    paused_until: float | None


class LimitSearch:
    """Ask `next_start`, wait until then, call `sent`, and return its ticket to `accepted` or `refused`.

    Only a response about the rate is a refusal. A 5xx or a lost response says nothing about the rate: drop its ticket.
    """

    def __init__(
        self, policy: SearchPolicy = DEFAULT_SEARCH, *, learned: Learned | None = None, now: float = 0.0
    ) -> None:
        self._policy = policy
        self._controller = (
            RateController.from_learned(policy.controller, learned.rate_per_s)
            if learned
            else RateController(policy.controller, policy.start_per_s)
        )
        self._window = QuotaWindow(now, length_s=learned.window_s if learned else None, policy=policy.probes)
        self._accepted = AcceptedCount()
        self._streaks = RefusalStreaks()
        self._is_starting = learned is None
        self._is_busy = True  # whether attempts start as soon as they may; an idle batch proves nothing
        self._number = 0
        self._due = now
        self._pause_until = now
        self._cut_at = -math.inf  # refusals of what was sent earlier do not cut
        self._cycle_at = now  # when the last cut's request was sent: averages begin here
        self._refused_at = -math.inf  # when the latest refused request was sent
        self._refusal_s = policy.probes.first_gap_s  # response time of a refusal, as a moving average

    @property
    def rate_per_s(self) -> float:
        return self._controller.rate_per_s

    def next_start(self, now: float) -> float:
        """When the next attempt may start; never before ``now``. Ask again after each answer: it may have moved."""
        at = self._window.probe_at if self._window.is_closed else self._due
        return max(at, self._pause_until, now)

    def sent(self, now: float) -> Ticket:
        """An attempt starts."""
        rate = self.rate_per_s
        self._is_busy = now <= max(self._due, self._pause_until) + max(self._policy.catch_up_s, _ON_TIME_SHARE / rate)
        self._due = max(self._due, now - self._policy.catch_up_s) + 1.0 / rate
        if self._window.is_closed:
            self._window.probed(now)
        self._number += 1
        return Ticket(self._number, now, rate)

    def accepted(self, now: float, ticket: Ticket) -> None:
        """The limiter accepted it, whatever else the response said."""
        self._accepted.add(ticket.sent_at)
        if self._window.is_closed:
            if ticket.sent_at > self._refused_at:  # an earlier one was accepted before the window closed
                self._reopen(now, ticket)
        elif self._is_busy:
            self._succeeded(now, ticket)

    def refused(self, now: float, ticket: Ticket, retry_after_s: float | None = None) -> None:
        """The limiter refused it; ``retry_after_s`` pauses all attempts."""
        self._refusal_s += _REFUSAL_WEIGHT * (now - ticket.sent_at - self._refusal_s)
        self._refused_at = max(self._refused_at, ticket.sent_at)
        self._controller.add_refusal_debt()
        self._window.known_closed(ticket.sent_at)
        if retry_after_s is not None:
            self._pause(now, min(max(retry_after_s, 0.0), self._policy.longest_pause_s))
        streak = self._streaks.add(ticket.number)
        if self._window.is_closed:
            return
        if ticket.sent_at >= self._cut_at:  # one cut per feedback delay: anything sent earlier says nothing new
            self._cut(now, ticket)
        if streak >= self._policy.closed_after:
            self._window.close(now, since=ticket.sent_at, feedback_s=self._refusal_s)

    def announced(self, now: float, hint: RateHint) -> None:
        """Response headers announced a limit: stay below it, and wait for the reset of an exhausted window."""
        rate = hint.rate_per_s
        if rate is None:
            return
        self._controller.cap(now, rate)
        if hint.remaining is not None and hint.remaining < 1.0 and (hint.reset_s or 0.0) >= _MIN_RESET_S:
            self._pause_until = max(self._pause_until, now + min(hint.reset_s or 0.0, self._policy.longest_pause_s))

    def snapshot(self, now: float) -> Snapshot:
        limit = self._controller.refused_per_s
        return Snapshot(
            state=self._state(),
            rate_per_s=self.rate_per_s,
            limit_per_s=limit if limit < math.inf else None,
            window_s=self._window.length_s,
            paused_until=self._pause_until if self._pause_until > now else None,
        )

    def learned(self) -> Learned | None:
        """None until a limit was met."""
        if self._is_starting:
            return None
        rate = min(self.rate_per_s, self._controller.refused_per_s)  # while probing, the rate may be the higher one
        return Learned(rate_per_s=rate, window_s=self._window.length_s)

    @override
    def __repr__(self) -> str:
        return f"<LimitSearch {self._state().value}, {self.rate_per_s:.4g}/s>"

    def _state(self) -> SearchState:
        if self._window.is_closed:
            return SearchState.CLOSED
        if self._is_starting:
            return SearchState.STARTING
        if self._controller.is_holding:
            return SearchState.HOLDING
        return (
            SearchState.SEARCHING if self._controller.gap > self._policy.controller.tight_gap else SearchState.PROBING
        )

    def _succeeded(self, now: float, ticket: Ticket) -> None:
        if self._is_starting:  # this much per success doubles the rate every doubling_s; slow responses slow it down
            self._controller.grow(now, math.log(2.0) / self._policy.doubling_s)
        elif not self._controller.succeeded(now, sent_at=ticket.sent_at, verify_s=self._verify_s()):
            return
        self._bring_forward(now)

    def _verify_s(self) -> float:
        """A long window takes long to fill, so a higher rate shows late that it is too high."""
        return min((self._window.length_s or 0.0) * _VERIFY_SHARE, self._policy.longest_verify_s)

    def _pause(self, now: float, seconds: float) -> None:
        until = now + seconds
        self._window.known_closed(until - _RETRY_AFTER_ROUNDING_S)
        if until > self._pause_until:
            self._controller.add_pause_debt(until - max(now, self._pause_until))
            self._pause_until = until

    def _cut(self, now: float, ticket: Ticket) -> None:
        refused_per_s = ticket.rate_per_s
        if self._is_starting:
            self._is_starting = False
            self._controller.halve(now, refused_per_s=refused_per_s)
        elif self._window.length_s is not None and self._controller.cuts < _CUTS_BEFORE_DOUBT:
            self._controller.back_off(
                now, refused_per_s=refused_per_s, window_per_s=self._window_average(ticket.sent_at)
            )
        else:
            self._controller.cut(now, refused_per_s=refused_per_s, average_per_s=self._cycle_average(ticket.sent_at))
        self._cycle_at = ticket.sent_at
        self._cut_at = now + self._policy.echo_s
        self._bring_forward(now)

    def _cycle_average(self, until: float) -> float:
        count, span_s = self._accepted.since(self._cycle_at), until - self._cycle_at
        return count / span_s if count >= _MIN_CYCLE_COUNT and span_s > 0.0 else 0.0

    def _window_average(self, until: float) -> float | None:
        length_s = self._window.length_s
        if length_s is None or self._window.is_settling(until):
            return None
        return self._accepted.since(until - length_s) / length_s

    def _reopen(self, now: float, ticket: Ticket) -> None:
        reset = self._window.reopened(ticket.sent_at)
        self._streaks.clear()
        self._is_starting = False
        self._cycle_at = ticket.sent_at
        self._cut_at = now  # responses to what was sent before the reset are about the old window
        count = self._accepted.since(reset.counts_since)
        is_known = reset.is_conclusive or (self._window.length_s is not None and not reset.is_settling)
        if is_known and count >= _MIN_WINDOW_COUNT:
            limit = count / reset.length_s
            # A short closure does not prove that the window was full, so its count may only lower the rate.
            self._controller.set_limit(now, limit if reset.is_conclusive else min(limit, self.rate_per_s))
        else:
            self._controller.restart(now)
        self._due = now

    def _bring_forward(self, now: float) -> None:
        """After a rise, the next start does not wait as long as the old rate required."""
        self._due = min(self._due, now + 1.0 / self.rate_per_s)
