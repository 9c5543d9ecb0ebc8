"""When the next attempt may start: at a fixed rate or at one that is searched for, never inside a pause."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from aiolimiter import AsyncLimiter

from batchrun.engine.pacing.backoff import RetryBudget
from batchrun.engine.pacing.concurrency_limit import ConcurrencyLimit
from batchrun.engine.pacing.fixed_rate import FixedRate
from batchrun.engine.pacing.limit_search import Learned, LimitSearch, SearchState, Ticket
from batchrun.engine.verdicts import Pressure, Verdict
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["Pace", "Pacer", "Permit"]

SCAN_SHARE = 0.1
"""List calls a second, as a share of a fixed rate; one a second is always allowed."""
DEFAULT_PAUSE_S = 1.0
"""At a fixed rate, after a refusal for rate that names no time."""
SPREAD_S = 1.0
"""At most so much is added to a pause that the service asked for, at random: others were told the same."""
_SOONER_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What pacing is doing now."""

    limit_per_s: float | None
    words: str
    pause_s: float | None = None
    pause_reason: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to make one attempt; given back by `Pacer.ended`."""

    ticket: Ticket | None


UNMETERED = Permit(None)


class Pacer:
    """Hands out turns, one after the other, to all workers of a batch.

    With a ``rate`` that rate is kept; without one the service's limit is searched for, from what was ``learned`` on.
    """

    def __init__(
        self,
        *,
        rate: float | None,
        burst: int | None = None,
        learned: Learned | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._fixed = FixedRate(rate, burst=burst or 1, now=now()) if rate is not None else None
        self._search = LimitSearch(learned=learned, now=now())
        self._concurrency = ConcurrencyLimit()
        self._budget = RetryBudget()
        self._scans = AsyncLimiter(1, 1 / max(1.0, SCAN_SHARE * (rate or 0.0)))
        self._one_by_one = anyio.Lock(fast_acquire=True)
        self._moved = anyio.Event()
        self._sleeps_until = now()
        self._waiting = 0
        self._in_flight = 0
        self._resume_at = now()
        self._reason = ""

    @property
    def is_paused(self) -> bool:
        return self._resume_at > self._now()

    async def wait_for_permit(self) -> Permit:
        """Return when an attempt may start; in the order of asking."""
        if not self._waiting and self._is_due(now := self._now()):
            return self._take(now)
        self._waiting += 1
        try:
            async with self._one_by_one:
                await self._wait_until_due()
                return self._take(self._now())
        finally:
            self._waiting -= 1

    def _take(self, now: float) -> Permit:
        self._budget.sent(now)
        self._in_flight += 1
        if self._fixed is None:
            return Permit(self._search.sent(now))
        self._fixed.sent(now)
        return UNMETERED

    async def wait_for_read(self) -> None:
        """Return when a list call may start: they have a small rate of their own, and keep out of pauses."""
        await self._scans.acquire()
        while True:
            left = self._resume_at - self._now()
            if left <= 0:
                return
            await anyio.sleep(left)

    def answered(self, permit: Permit, verdict: Verdict, latency_s: float, *, hint: RateHint | None = None) -> None:
        """Learn from an answer and what its headers said of the limit; a ``Retry-After`` holds everyone."""
        now = self._now()
        if hint is not None:
            self._search.announced(now, hint)
        if verdict.pressure is Pressure.SICK:
            self._budget.failed(now)
        elif verdict.pressure is Pressure.RATE:
            self._refused(now, permit, verdict.wait_s)
        else:
            self._accepted(now, permit, verdict, latency_s)

    def ended(self) -> None:
        """A turn is over, whether its attempt was made or not."""
        self._in_flight -= 1
        if self._waiting:
            self._wake_if_sooner()

    def pause(self, seconds: float, reason: str) -> None:
        """Hold all workers for ``seconds`` from now; a pause that ends later stays."""
        until = self._now() + seconds
        if until > self._resume_at:
            self._resume_at = until
            self._reason = reason

    def learned(self) -> Learned | None:
        """The limit as found, for the next session; None at a fixed rate and where none was met."""
        return self._search.learned() if self._fixed is None else None

    def pace(self) -> Pace:
        now = self._now()
        rate, words = self._rate_per_s(), self._describe()
        for until, reason in self._holds(now):
            if until > now:
                return Pace(limit_per_s=rate, words=words, pause_s=until - now, pause_reason=reason)
        return Pace(limit_per_s=rate, words=words)

    def _accepted(self, now: float, permit: Permit, verdict: Verdict, latency_s: float) -> None:
        """The limiter let it in, also where a quota or the run itself was refused."""
        if verdict.pressure is Pressure.NONE:
            self._budget.succeeded()
            self._concurrency.answered(latency_s)
        if permit.ticket is not None:
            self._search.accepted(now, permit.ticket)

    def _refused(self, now: float, permit: Permit, retry_after_s: float | None) -> None:
        if permit.ticket is not None:
            self._search.refused(now, permit.ticket, retry_after_s)
        elif retry_after_s is None:
            retry_after_s = DEFAULT_PAUSE_S
        if retry_after_s is not None:
            spread_s = random.random() * min(SPREAD_S, retry_after_s / 10)
            self.pause(retry_after_s + spread_s, "the service asked to slow down")

    def _rate_per_s(self) -> float:
        return self._fixed.rate_per_s if self._fixed is not None else self._search.rate_per_s

    def _describe(self) -> str:
        return "fixed rate" if self._fixed is not None else self._search.snapshot(self._now()).state.value

    def _holds(self, now: float) -> list[tuple[float, str]]:
        """What holds attempts back besides the rate: until when, and why."""
        holds = [(self._resume_at, self._reason), (self._budget.next_start(now), "the service is not well")]
        if self._fixed is not None:
            return holds
        search = self._search.snapshot(now)
        if search.state is SearchState.CLOSED:
            holds.append((self._search.next_start(now), search.state.value))
        if search.paused_until is not None:
            holds.append((search.paused_until, "the limit's window is used up"))
        return holds

    def _next_start(self, now: float) -> float:
        paced = self._fixed.next_start(now) if self._fixed is not None else self._search.next_start(now)
        return max(paced, self._resume_at, self._budget.next_start(now))

    def _is_due(self, now: float) -> bool:
        return self._has_room() and self._next_start(now) <= now

    def _has_room(self) -> bool:
        """At a fixed rate the number of workers is the only bound."""
        return self._fixed is not None or self._in_flight < self._concurrency.most_in_flight(self._rate_per_s())

    async def _wait_until_due(self) -> None:
        while True:
            now = self._now()
            at = self._next_start(now) if self._has_room() else float("inf")
            if at <= now:
                return
            self._moved = anyio.Event()
            self._sleeps_until = at
            with anyio.move_on_after(at - now):
                await self._moved.wait()

    def _wake_if_sooner(self) -> None:
        """An answer can bring the next start forward: a window opened, a probe succeeded, there is room again."""
        now = self._now()
        if self._has_room() and self._next_start(now) < self._sleeps_until - _SOONER_S:
            self._moved.set()
