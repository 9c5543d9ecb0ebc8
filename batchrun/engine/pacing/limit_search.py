"""The hidden limit: from what was let in and what was refused, when the next attempt may start. Pure.

Starts gently and doubles its rate a second until the first refusal; then `RateController` searches and holds. Where everything is
refused, `QuotaWindow` takes over: nothing goes but single probes, and what the window let in is the limit. No clock and
no waiting here: every call is given ``now``, in seconds of one monotonic clock.
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from typing_extensions import override

from batchrun.engine.pacing.quota_window import DEFAULT_PROBES, AcceptedCount, ProbePolicy, QuotaWindow, RefusedRuns
from batchrun.engine.pacing.rate_control import DEFAULT_RATE_POLICY, RateController, RatePolicy
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["DEFAULT_SEARCH", "Learned", "LimitSearch", "SearchPolicy", "SearchState", "Snapshot", "Ticket"]

_SMOOTHING = 0.1
_CUTS_BEFORE_DOUBT = 4  # in a row, within a window: then it is no window
_FEWEST = 10  # let in since the last cut, for their average to mean something
_FEWEST_IN_WINDOW = 5
_DEBT_FOR_LEARNED = 4
_LONG_RESET_S = 2.0  # with a shorter one, "none remaining" may just be how a bucket without a burst always looks


class SearchState(Enum):
    """What the search is doing, in words for people."""

    STARTING = "finding the limit"
    SEARCHING = "narrowing the limit down"
    HOLDING = "holding under the limit"
    PROBING = "trying a little more"
    CLOSED = "waiting for the limit's window to open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the next session starts from: the rate that held and, where there is one, the window's length."""

    rate_per_s: float
    window_s: float | None = None


class Ticket(NamedTuple):
    """One attempt: handed out when it starts, handed back with its answer."""

    number: int
    sent_at: float
    rate_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPolicy:
    """``catch_up_s`` is how late a start may be without losing its place; ``closed_after`` refusals in a row close.

    Refusals of what is sent until ``echo_s`` after a cut do not cut again: the nearer the service, the more of them come
    before a window can turn.
    """

    start_per_s: float = 2.0
    doubling_s: float = 1.0
    catch_up_s: float = 0.02
    echo_s: float = 0.3
    closed_after: int = 3
    longest_pause_s: float = 3600.0
    longest_verify_s: float = 30.0
    controller: RatePolicy = DEFAULT_RATE_POLICY
    probes: ProbePolicy = DEFAULT_PROBES


DEFAULT_SEARCH = SearchPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The search at one moment; ``limit_per_s`` is the lowest rate seen refused, ``paused_until`` a time or None."""

    state: SearchState
    rate_per_s: float
    limit_per_s: float | None
    window_s: float | None
    paused_until: float | None


class LimitSearch:
    """Ask `next_start`, wait until then, call `sent`, and hand its ticket back to `accepted` or `refused`.

    Only an answer about the rate is a refusal: a 5xx, a quota or a lost answer tells nothing here, and its ticket may be
    dropped.
    """

    def __init__(
        self, policy: SearchPolicy = DEFAULT_SEARCH, *, learned: Learned | None = None, now: float = 0.0
    ) -> None:
        self._policy = policy
        self._controller = _first_controller(policy, learned)
        self._window = QuotaWindow(now, length_s=learned.window_s if learned else None, policy=policy.probes)
        self._accepted = AcceptedCount()
        self._runs = RefusedRuns()
        self._is_starting = learned is None
        self._is_busy = True  # whether attempts go as fast as they may; an idle batch proves nothing
        self._number = 0
        self._due = now
        self._pause_until = now
        self._cut_at = -math.inf
        self._cycle_at = now
        self._refused_at = -math.inf
        self._refusal_s = policy.probes.first_gap_s  # how long a refusal takes, smoothed

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
        self._is_busy = now <= max(self._due, self._pause_until) + max(self._policy.catch_up_s, 0.5 / rate)
        self._due = max(self._due, now - self._policy.catch_up_s) + 1.0 / rate
        if self._window.is_closed:
            self._window.probed(now)
        self._number += 1
        return Ticket(self._number, now, rate)

    def accepted(self, now: float, ticket: Ticket) -> None:
        """The limiter let it in; what else became of it does not matter."""
        self._accepted.add(ticket.sent_at)
        if self._window.is_closed:
            if ticket.sent_at > self._refused_at:
                self._reopen(now, ticket)
        elif self._is_busy:
            self._succeeded(now, ticket)

    def refused(self, now: float, ticket: Ticket, retry_after_s: float | None = None) -> None:
        """Refused for the rate; ``retry_after_s`` holds everything back."""
        self._refusal_s += _SMOOTHING * (now - ticket.sent_at - self._refusal_s)
        self._refused_at = max(self._refused_at, ticket.sent_at)
        self._controller.add_refusal_debt()
        self._window.known_shut(ticket.sent_at)
        if retry_after_s is not None:
            self._pause(now, min(max(retry_after_s, 0.0), self._policy.longest_pause_s))
        run = self._runs.add(ticket.number)
        if self._window.is_closed:
            return
        if ticket.sent_at >= self._cut_at:  # one cut a feedback delay: what was sent before the last one is its echo
            self._cut(now, ticket)
        if run >= self._policy.closed_after:
            self._window.close(now, since=ticket.sent_at, feedback_s=self._refusal_s)

    def announced(self, now: float, hint: RateHint) -> None:
        """An answer's headers: a policy is kept to; a window that is used up is waited for."""
        rate = hint.rate_per_s
        if rate is None:
            return
        self._controller.cap(now, rate)
        if hint.remaining is not None and hint.remaining < 1.0 and (hint.reset_s or 0.0) >= _LONG_RESET_S:
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
        """None while no limit was met."""
        if self._is_starting:
            return None
        rate = min(self.rate_per_s, self._controller.refused_per_s)
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
        if self._is_starting:  # so much a success doubles the rate in doubling_s, and no faster than answers come
            self._controller.grow(now, math.log(2.0) / self._policy.doubling_s)
        elif not self._controller.succeeded(now, sent_at=ticket.sent_at, verify_s=self._verify_s()):
            return
        self._bring_forward(now)

    def _verify_s(self) -> float:
        """A long window takes long to fill: steps within it are slow, but not as slow as a window of an hour would have it."""
        return min((self._window.length_s or 0.0) / 4.0, self._policy.longest_verify_s)

    def _pause(self, now: float, seconds: float) -> None:
        until = now + seconds
        self._window.known_shut(until - 1.0)  # whole seconds are rounded up
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
        return count / span_s if count >= _FEWEST and span_s > 0.0 else 0.0

    def _window_average(self, until: float) -> float | None:
        length_s = self._window.length_s
        if length_s is None or self._window.is_settling(until):
            return None
        return self._accepted.since(until - length_s) / length_s

    def _reopen(self, now: float, ticket: Ticket) -> None:
        reset = self._window.reopened(ticket.sent_at)
        self._runs.clear()
        self._is_starting = False
        self._cycle_at = ticket.sent_at
        self._cut_at = now
        count = self._accepted.since(reset.counts_since)
        is_known = reset.is_telling or (self._window.length_s is not None and not reset.is_settling)
        if is_known and count >= _FEWEST_IN_WINDOW:
            limit = count / reset.length_s
            self._controller.set_limit(now, limit if reset.is_telling else min(limit, self.rate_per_s))
        else:
            self._controller.restart(now)
        self._due = now

    def _bring_forward(self, now: float) -> None:
        """After a rise the next start need not wait as long as the old rate said."""
        self._due = min(self._due, now + 1.0 / self.rate_per_s)


def _first_controller(policy: SearchPolicy, learned: Learned | None) -> RateController:
    if learned is None:
        return RateController(policy.controller, policy.start_per_s)
    margin = 2.0 * policy.controller.margin
    controller = RateController(
        policy.controller, learned.rate_per_s * (1.0 - margin), refused_per_s=learned.rate_per_s * (1.0 + margin)
    )
    for _ in range(_DEBT_FOR_LEARNED):  # it was found at some cost: see that it still holds before asking for more
        controller.add_refusal_debt()
    return controller
