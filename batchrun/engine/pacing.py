"""When the next attempt may start: a rate, and one pause that holds all workers."""

import time
from dataclasses import dataclass

import anyio
from aiolimiter import AsyncLimiter

from batchrun.engine.backoff import RetryBudget
from batchrun.engine.verdicts import Pressure, Verdict

__all__ = ["DEFAULT_RATE_PER_S", "Pace", "Pacing"]

DEFAULT_RATE_PER_S = 10.0
"""Where no rate is given: careful enough for a service whose limit is not known."""
SCAN_SHARE = 0.1
"""List calls a second, as a share of the rate; one a second is always allowed."""
DEFAULT_PAUSE_S = 1.0
"""After a refusal for rate that names no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What pacing is doing now."""

    limit_per_s: float | None
    words: str
    pause_s: float | None = None
    pause_reason: str = ""


class Pacing:
    """Lets attempts go at a fixed rate, and none of them inside a pause."""

    def __init__(self, *, rate: float | None, burst: int | None) -> None:
        self._rate = rate or DEFAULT_RATE_PER_S
        capacity = max(1, burst or 1)
        self._limiter = AsyncLimiter(capacity, capacity / self._rate)
        self._scans = AsyncLimiter(1, 1 / max(1.0, SCAN_SHARE * self._rate))
        self._words = "fixed rate" if rate is not None else "careful default rate"
        self._budget = RetryBudget()
        self._resume_s = 0.0
        self._reason = ""

    @property
    def is_paused(self) -> bool:
        return self._resume_s > time.monotonic()

    async def wait_turn(self) -> None:
        """Return when an attempt may start."""
        while True:
            await self._wait_out_pause()
            await self._limiter.acquire()
            if not self.is_paused:
                break
        await self._wait_for_budget()

    async def wait_scan_turn(self) -> None:
        """Return when a list call may start: they have a small rate of their own, and keep out of pauses."""
        await self._scans.acquire()
        await self._wait_out_pause()

    def answered(self, verdict: Verdict, latency_s: float) -> None:
        """Learn from an answer; after a refusal for rate everyone waits."""
        del latency_s
        if verdict.pressure is Pressure.SICK:
            self._budget.failed(time.monotonic())
        elif verdict.pressure is Pressure.NONE:
            self._budget.succeeded()
        if verdict.pressure is Pressure.RATE:
            self.pause(
                verdict.wait_s if verdict.wait_s is not None else DEFAULT_PAUSE_S, "the service asked to slow down"
            )

    def pause(self, seconds: float, reason: str) -> None:
        """Hold all workers for ``seconds`` from now; a pause that ends later stays."""
        until = time.monotonic() + seconds
        if until > self._resume_s:
            self._resume_s = until
            self._reason = reason

    def pace(self) -> Pace:
        left = self._resume_s - time.monotonic()
        if left <= 0 and self._budget.is_spent:
            left = max(self._budget.next_start(time.monotonic()) - time.monotonic(), 0.0)
            return Pace(limit_per_s=self._rate, words=self._words, pause_s=left, pause_reason="the service is not well")
        if left <= 0:
            return Pace(limit_per_s=self._rate, words=self._words)
        return Pace(limit_per_s=self._rate, words=self._words, pause_s=left, pause_reason=self._reason)

    async def _wait_out_pause(self) -> None:
        while self.is_paused:
            await anyio.sleep_until(anyio.current_time() + self._resume_s - time.monotonic())

    async def _wait_for_budget(self) -> None:
        """With the retry budget spent, one attempt at a time goes out as a probe."""
        while (left := self._budget.next_start(time.monotonic()) - time.monotonic()) > 0:
            await anyio.sleep_until(anyio.current_time() + left)
        self._budget.sent(time.monotonic())
