"""Decides when the next request may start: at a fixed rate or at one that is searched for, never during a pause.

The decisions are made in `FixedRate`, `LimitSearch`, `ReadRate` and `RetryBudget`, which are pure. This module
gives them the time and does the waiting.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio

from batchrun.engine.pacing.backoff import RetryBudget
from batchrun.engine.pacing.fixed_rate import FixedRate
from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.read_rate import ReadRate
from batchrun.engine.pacing.search_values import Learned, SearchState, Ticket
from batchrun.engine.verdicts import Pressure, Verdict, judge_read
from batchrun.errors import ApiError
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["FAILING", "Pace", "Pacer", "Permit"]

FAILING = "too many requests are failing"
"""Why a batch pauses when its retry budget is spent."""

DEFAULT_PAUSE_S = 1.0
"""Pause at a fixed rate after a refusal without ``Retry-After``: the shortest window that people configure."""
SPREAD_S = 1.0
"""Longest random addition to a ``Retry-After``: other clients received the same time and would all return at once."""
SPREAD_DIVISOR = 10
"""That addition is at most a tenth of the ``Retry-After``, so that a short pause stays short."""
_MIN_GAIN_S = 0.01
"""A waiting attempt is rescheduled only if it can start this much sooner: waking it up is not free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What pacing is doing now."""

    limit_per_s: float | None
    description: str
    pause_s: float | None = None
    pause_reason: str = ""
    is_waited_for: bool = False
    """Workers wait for a permit."""
    in_flight_limit: int | None = None
    """How many attempts may be in flight, while that is what they wait for."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to make one attempt. Call `Pacer.ended` when it is over."""

    ticket: Ticket | None


_FIXED_RATE_PERMIT = Permit(None)


class Pacer:
    """Hands out permits to all workers of a batch, one at a time, and lets read requests pass at their own rate.

    With a ``rate``, attempts start at exactly that rate. Without one, the pacer searches for the service's limit,
    beginning with what an earlier session ``learned``. ``read_rate`` bounds the read requests per second; by default they
    get 5, or a fifth of the attempts' rate (half while no attempt waits) if that is more.
    """

    def __init__(
        self,
        *,
        rate: float | None,
        burst: int | None = None,
        learned: Learned | None = None,
        read_rate: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._fixed = FixedRate(rate, burst=burst or 1, now=now()) if rate is not None else None
        self._search = LimitSearch(learned=learned, now=now())
        self._schedule: FixedRate | LimitSearch = self._fixed or self._search
        self._budget = RetryBudget()
        self._reads = ReadRate(read_rate)
        self._read_queue = anyio.Lock(fast_acquire=True)
        self._queue = anyio.Lock(fast_acquire=True)  # first in, first out; only its holder sleeps
        self._rescheduled = anyio.Event()
        self._wakes_at = now()
        self._waiting = 0
        self._resume_at = now()
        self._pause_reason = ""

    @property
    def is_paused(self) -> bool:
        return self._resume_at > self._now()

    async def wait_for_permit(self) -> Permit:
        """Return when an attempt may start. Permits are handed out in the order of the calls."""
        if not self._waiting and self._is_due(now := self._now()):  # nobody to overtake: no lock needed
            return self._take(now)
        self._waiting += 1
        try:
            async with self._queue:
                await self._wait_until_due()
                return self._take(self._now())
        finally:
            self._waiting -= 1

    def _take(self, now: float) -> Permit:
        self._budget.sent(now)
        if self._fixed is None:
            return Permit(self._search.sent(now))
        self._fixed.sent(now)
        return _FIXED_RATE_PERMIT

    async def wait_for_read(self) -> None:
        """Return when a read request may start: at a rate of its own, and never during a pause.

        Where the service limits read requests, each also takes the place of an attempt on the schedule. Otherwise a call
        and an attempt that waited for the same moment would meet at a limiter that has room for one of them.
        """
        place: float | None = None
        async with self._read_queue:
            while True:
                now = self._now()
                at = self._next_read(now)
                if at <= now and self._reads.is_limited:
                    if place is None or place < self._resume_at:  # a pause came in between
                        place = self._schedule.reserve(now)
                    at = place
                if at <= now:
                    self._reads.sent(now)
                    return
                await anyio.sleep(at - now)  # a response may prolong the pause meanwhile

    def _next_read(self, now: float) -> float:
        at = self._reads.next_start(now, self._rate_per_s(), attempts_wait=self._waiting > 0)
        return max(at, self._resume_at)

    def read_refused(self, error: ApiError) -> None:
        """Learn from a refused read request: one refused for its rate halves theirs, a ``Retry-After`` pauses everybody."""
        verdict = judge_read(error)
        if verdict.pressure is Pressure.RATE:
            self._reads.refused(self._now())
            self._pause_as_asked(verdict.wait_s)

    def answered(self, permit: Permit, verdict: Verdict, latency_s: float, *, hint: RateHint | None = None) -> None:
        """Learn from a response and from the limits in its headers. A ``Retry-After`` pauses all workers."""
        now = self._now()
        if hint is not None:  # at a fixed rate this has no effect: the user's rate applies
            self._search.announced(now, hint)
        if verdict.pressure is Pressure.SICK:
            self._budget.failed(now)
        elif verdict.pressure is Pressure.RATE:
            self._refused(now, permit, verdict.wait_s)
        else:
            self._accepted(now, permit, verdict, latency_s)

    def ended(self, permit: Permit) -> None:
        """A permit is no longer needed, whether its attempt was made or not."""
        if permit.ticket is not None:
            self._search.ended(permit.ticket)
        if self._waiting:
            self._wake_if_sooner()

    def pause(self, seconds: float, reason: str) -> None:
        """Pause all workers for ``seconds`` from now, unless a longer pause is in effect."""
        until = self._now() + seconds
        if until > self._resume_at:
            self._resume_at = until
            self._pause_reason = reason

    def learned(self) -> Learned | None:
        """The limit as found, for the next session; None at a fixed rate, and until a limit was met."""
        return self._search.learned() if self._fixed is None else None

    def pace(self) -> Pace:
        now = self._now()
        rate = self._rate_per_s()
        description = "fixed rate" if self._fixed is not None else self._search.snapshot(now).state.value
        for until, reason in self._pauses(now):
            if until > now:
                return Pace(limit_per_s=rate, description=description, pause_s=until - now, pause_reason=reason)
        is_bounded = self._waiting > 0 and self._fixed is None and self._search.next_start(now) == math.inf
        return Pace(
            limit_per_s=rate,
            description=description,
            is_waited_for=self._waiting > 0,
            in_flight_limit=int(self._search.most_in_flight) if is_bounded else None,
        )

    def _accepted(self, now: float, permit: Permit, verdict: Verdict, latency_s: float) -> None:
        """The rate limiter let it pass, even if a quota or validation rejected the run afterwards.

        A quota is no reason to send faster: what it refuses says nothing about how many runs could be created.
        """
        is_done = verdict.pressure is Pressure.NONE
        if is_done:
            self._budget.succeeded()
        if permit.ticket is not None:
            latency = latency_s if is_done else None
            self._search.accepted(now, permit.ticket, latency_s=latency, proves_rate=is_done)

    def _refused(self, now: float, permit: Permit, retry_after_s: float | None) -> None:
        if permit.ticket is not None:
            self._search.refused(now, permit.ticket, retry_after_s)
        elif retry_after_s is None:  # the search reacts with a lower rate instead
            self.pause(DEFAULT_PAUSE_S + self._spread_s(DEFAULT_PAUSE_S), "the service is rate limiting requests")
        self._pause_as_asked(retry_after_s)

    def _pause_as_asked(self, retry_after_s: float | None) -> None:
        if retry_after_s is not None:
            self.pause(retry_after_s + self._spread_s(retry_after_s), "requested by the service with Retry-After")

    @staticmethod
    def _spread_s(pause_s: float) -> float:
        return random.random() * min(SPREAD_S, pause_s / SPREAD_DIVISOR)

    def _rate_per_s(self) -> float:
        return self._schedule.rate_per_s

    def _pauses(self, now: float) -> list[tuple[float, str]]:
        """What holds attempts back besides the rate: until when, and why."""
        pauses = [
            (self._resume_at, self._pause_reason),
            (self._budget.next_start(now), FAILING),
        ]
        if self._fixed is not None:
            return pauses
        search = self._search.snapshot(now)
        if search.state is SearchState.CLOSED and (at := self._search.next_start(now)) < math.inf:
            pauses.append((at, search.state.value))
        if search.paused_until is not None:
            pauses.append((search.paused_until, "the rate limit is exhausted until its window resets"))
        return pauses

    def _next_start(self, now: float) -> float:
        return max(self._schedule.next_start(now), self._resume_at, self._budget.next_start(now))

    def _is_due(self, now: float) -> bool:
        return self._next_start(now) <= now

    async def _wait_until_due(self) -> None:
        while True:
            now = self._now()
            at = self._next_start(now)  # infinity until a permit is given back
            if at <= now:
                return
            self._rescheduled = anyio.Event()
            self._wakes_at = at
            with anyio.move_on_after(at - now):
                await self._rescheduled.wait()

    def _wake_if_sooner(self) -> None:
        """A response can bring the next start forward: a window reset, a probe succeeded, there is room again."""
        now = self._now()
        if self._next_start(now) < self._wakes_at - _MIN_GAIN_S:
            self._rescheduled.set()
