"""Finds a hidden rate limit from what is accepted and what is refused, and says when the next attempt may start. Pure.

The rate doubles (`start`) until the first refusal; `Narrowing` measures the limit from what is accepted then, and
`RateController` holds the rate just below it. Once everything is refused, `QuotaWindow` takes over: only single probes are
sent, and what the window accepted is the limit. README.md has a state diagram. There is no clock and no waiting here: every
call is given ``now``, in seconds of one monotonic clock.
"""

import math

from typing_extensions import override

from batchrun.engine.pacing.concurrency_limit import ConcurrencyLimit
from batchrun.engine.pacing.narrowing import Narrowing
from batchrun.engine.pacing.quota_window import AcceptedCount, QuotaWindow, RefusalStreaks, WindowReset
from batchrun.engine.pacing.rate_control import RateController
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH, SearchPolicy
from batchrun.engine.pacing.search_values import Learned, SearchState, Snapshot, Ticket
from batchrun.engine.pacing.start import Start
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["LimitSearch"]

_REFUSAL_WEIGHT = 0.1
"""Weight of a refusal's response time in the moving average: settles within some twenty refusals."""
_CUTS_BEFORE_DOUBT = 4
"""Cuts in a row within a window before the window itself is doubted: a window refuses near its end only."""
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


class LimitSearch:
    """Ask `next_start`, wait until then, call `sent`, and return its ticket to `accepted`, `refused` or `ended`.

    Only a response about the rate is a refusal. A 5xx or a lost response says nothing about the rate: its ticket has ended.
    """

    def __init__(
        self, policy: SearchPolicy = DEFAULT_SEARCH, *, learned: Learned | None = None, now: float = 0.0
    ) -> None:
        self._policy = policy
        self._controller = (
            RateController.from_learned(
                policy.controller, learned.rate_per_s, refused_per_s=learned.refused_per_s or 0.0
            )
            if learned
            else RateController(policy.controller, policy.start.start_per_s)
        )
        self._window = QuotaWindow(now, length_s=learned.window_s if learned else None, policy=policy.probes)
        self._start = Start(policy.start)
        self._concurrency = ConcurrencyLimit()
        self._accepted = AcceptedCount()
        self._streaks = RefusalStreaks()
        self._is_starting = learned is None
        self._narrowing: Narrowing | None = None  # from the first refusal until the limit is measured
        self._was_paused_first = False  # the first refusal asked for a pause, and nothing was accepted since
        self._is_busy = True  # whether attempts start as soon as they may; an idle batch proves nothing
        self._number = 0
        self._open: dict[int, float] = {}  # attempts in flight: number, and when each was sent
        self._began_at = now
        self._due = now
        self._pause_until = now
        self._cut_at = -math.inf  # refusals of what was sent earlier do not cut
        self._cycle_at = now  # when the last cut's request was sent: averages begin here
        self._refused_at = -math.inf  # when the latest refused request was sent
        self._refusal_s = 0.0  # response time of a refusal, as a moving average

    @property
    def rate_per_s(self) -> float:
        return self._controller.rate_per_s

    @property
    def most_in_flight(self) -> float:
        """How many attempts may be in flight. More would wait in the queue of a service that has refused nothing so far."""
        return self._concurrency.most_in_flight(self.rate_per_s) if self._is_starting else math.inf

    def next_start(self, now: float) -> float:
        """When the next attempt may start, or infinity while as many are in flight as may be. Ask again after each answer."""
        if len(self._open) >= self.most_in_flight:
            return math.inf
        at = self._window.probe_at if self._window.is_closed else self._due
        return max(at, self._pause_until, now)

    def reserve(self, now: float) -> float:
        """Take a place for a call that is not an attempt but counts towards the same limit; returns when it may start."""
        at = max(self._due, self._pause_until, now)
        self._due = at + 1.0 / self.rate_per_s
        if self._window.is_closed:
            self._window.postpone_probe(self._due)
        else:
            self._count(at)
        return at

    def sent(self, now: float) -> Ticket:
        """An attempt starts."""
        rate, catch_up_s = self.rate_per_s, self._policy.catch_up_s
        late_s = now - max(self._due, self._pause_until)
        self._is_busy = late_s <= max(catch_up_s, _ON_TIME_SHARE / rate)
        # Only a late timer keeps its place. After a pause, a limiter without a burst has room for one, not for two.
        self._due = (self._due if now - self._due <= catch_up_s else now) + 1.0 / rate
        if self._window.is_closed:
            self._window.probed(now)
        self._number += 1
        self._open[self._number] = now
        return Ticket(self._number, now, rate)

    def ended(self, ticket: Ticket) -> None:
        """An attempt is over, with or without a response."""
        self._open.pop(ticket.number, None)

    def accepted(self, now: float, ticket: Ticket, *, latency_s: float | None = None, proves_rate: bool = True) -> None:
        """The limiter accepted it, whatever else the response said.

        ``latency_s`` is given if it took the service its usual work. Without ``proves_rate``, another limit holds the batch.
        """
        self.ended(ticket)
        if latency_s is not None and self._is_starting:
            self._concurrency.answered(
                now, ticket.number, latency_s, in_flight=len(self._open), rate_per_s=self.rate_per_s
            )
        self._count(ticket.sent_at)
        if self._window.is_closed:
            if ticket.sent_at > self._refused_at:  # an earlier one was accepted before the window closed
                self._reopen(now, ticket)
        elif self._is_busy and proves_rate:
            self._succeeded(now, ticket)

    def refused(self, now: float, ticket: Ticket, retry_after_s: float | None = None) -> None:
        """The limiter refused it; ``retry_after_s`` pauses all attempts."""
        self.ended(ticket)
        took_s = now - ticket.sent_at
        self._refusal_s += (took_s - self._refusal_s) * (_REFUSAL_WEIGHT if self._refusal_s else 1.0)
        self._refused_at = max(self._refused_at, ticket.sent_at)
        is_first, self._is_starting = self._is_starting, False
        self._narrow(is_first=is_first, is_paused=retry_after_s is not None)
        if self._narrowing is not None:
            self._narrowing.refused()
        else:
            self._controller.add_refusal_debt()
        self._window.known_closed(ticket.sent_at)
        if retry_after_s is not None:
            self._pause(now, min(max(retry_after_s, 0.0), self._policy.longest_pause_s))
        streak = self._streaks.add(ticket.number)
        if self._window.is_closed:
            return
        if ticket.sent_at >= self._cut_at:  # one cut per feedback delay: anything sent earlier says nothing new
            self._cut(now, ticket, is_first=is_first)
        if streak >= self._policy.closed_after:
            self._close(now, ticket)

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
        """None until a limit was measured: a cold start finds it sooner than a guess that is far off."""
        if self._is_starting or self._narrowing is not None:
            return None
        rate_per_s, refused_per_s = self._controller.learned()
        return Learned(rate_per_s=rate_per_s, window_s=self._window.length_s, refused_per_s=refused_per_s)

    @override
    def __repr__(self) -> str:
        return f"<LimitSearch {self._state().value}, {self.rate_per_s:.4g}/s>"

    def _state(self) -> SearchState:
        if self._window.is_closed:
            return SearchState.CLOSED
        if self._is_starting:
            return SearchState.STARTING
        if self._narrowing is not None:
            return SearchState.SEARCHING
        if self._controller.is_holding:
            return SearchState.HOLDING
        is_wide = self._controller.gap > self._policy.controller.tight_gap
        return SearchState.SEARCHING if is_wide else SearchState.PROBING

    def _count(self, sent_at: float) -> None:
        self._accepted.add(sent_at)
        if self._narrowing is not None:
            self._narrowing.accepted(sent_at)

    def _succeeded(self, now: float, ticket: Ticket) -> None:
        if self._is_starting:
            self._controller.grow(now, self._start.growth_per_s(self.rate_per_s, now - ticket.sent_at))
        elif not self._controller.succeeded(
            now, sent_at=ticket.sent_at, verify_s=self._verify_s(), is_quick=self._narrowing is not None
        ):
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

    def _narrow(self, *, is_first: bool, is_paused: bool) -> None:
        """Measure the limit from the first refusal on, but not where each refusal costs a pause."""
        if is_first:
            self._was_paused_first = is_paused
            self._narrowing = Narrowing(self._began_at)
        if is_paused:
            self._narrowing = None

    def _cut(self, now: float, ticket: Ticket, *, is_first: bool) -> None:
        refused_per_s, measured = ticket.rate_per_s, None
        if self._narrowing is not None:
            measured = self._narrowing.between_refusals(ticket.sent_at, refused_per_s, self._open.values())
        if measured is not None:
            self._controller.set_limit(now, measured.limit_per_s, refused_per_s=measured.refused_per_s)
        elif is_first and self._narrowing is None:
            self._controller.cut_to(now, self._policy.paused_cut, refused_per_s=refused_per_s)
        elif self._window.length_s is not None and self._controller.cuts < _CUTS_BEFORE_DOUBT:
            self._controller.back_off(
                now, refused_per_s=refused_per_s, window_per_s=self._window.average(self._accepted, ticket.sent_at)
            )
        else:
            self._controller.cut(
                now, refused_per_s=refused_per_s, average_per_s=self._accepted.average(self._cycle_at, ticket.sent_at)
            )
        self._cycle_at = ticket.sent_at
        if self._narrowing is not None and self._narrowing.is_over:
            self._narrowing = None
        self._cut_at = now if self._narrowing is not None else now + self._policy.echo_s
        self._bring_forward(now)

    def _close(self, now: float, ticket: Ticket) -> None:
        """Requests sent one after the other were refused: only probes from here on."""
        at = ticket.sent_at
        if self._narrowing is not None:
            pending = sum(sent_at < at for sent_at in self._open.values())
            last_second = self._accepted.since(at - 1.0) + pending
            measured = self._narrowing.between_closures(at, ticket.rate_per_s, last_second)
            if measured is not None and measured.limit_per_s < self.rate_per_s:
                self._controller.set_limit(now, measured.limit_per_s, refused_per_s=measured.refused_per_s)
                self._narrowing = None if self._narrowing.is_over else self._narrowing
        self._window.close(now, since=at, feedback_s=self._refusal_s)

    def _reopen(self, now: float, ticket: Ticket) -> None:
        reset = self._window.reopened(ticket.sent_at)
        self._streaks.clear()
        self._is_starting = False
        if self._narrowing is None:
            self._cycle_at = ticket.sent_at
        else:
            self._narrowing.reopened()
        self._cut_at = now  # responses to what was sent before the reset are about the old window
        self._learn_from(now, reset)
        self._due = ticket.sent_at + 1.0 / self.rate_per_s  # a limiter without a burst has room for one at a time

    def _learn_from(self, now: float, reset: WindowReset) -> None:
        count = self._accepted.since(reset.counts_since)
        is_known = reset.is_conclusive or (self._window.length_s is not None and not reset.is_settling)
        if is_known and count >= _MIN_WINDOW_COUNT:
            limit = count / reset.length_s
            if not reset.is_conclusive:  # a short closure does not prove that the window was full
                limit = min(limit, self.rate_per_s)
            elif self._was_paused_first:  # the service asked to wait, perhaps for longer than its window is closed
                limit = max(limit, self.rate_per_s)
            self._controller.set_limit(now, limit)
            self._narrowing = None
        elif self._narrowing is not None and count < _MIN_WINDOW_COUNT and reset.closed_for_s > 0.0:
            # Hardly anything was accepted before, and then nothing for a while: that long takes the next one as well.
            self._controller.lower(now, max(count, 1.0) / reset.closed_for_s)
        else:
            self._controller.restart(now)
        self._was_paused_first = False

    def _bring_forward(self, now: float) -> None:
        """After a rise, the next start does not wait as long as the old rate required."""
        self._due = min(self._due, now + 1.0 / self.rate_per_s)
