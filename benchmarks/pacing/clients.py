"""batchrun's search and other clients behind one interface; they differ in how they react to a refusal."""

import heapq
import math
import random

from typing_extensions import override

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.search_values import Ticket
from benchmarks.pacing.simulator import Client

__all__ = [
    "PEERS",
    "AdditiveIncrease",
    "ConstantRate",
    "CubicBucket",
    "FixedCooldown",
    "SearchClient",
    "SemaphoreAndBackoff",
]


class SearchClient(Client):
    """batchrun's search; ``offset_s`` is the simulation's start on the search's clock."""

    def __init__(self, search: LimitSearch, *, offset_s: float = 0.0) -> None:
        self.search = search
        self._offset_s = offset_s

    @override
    def next_start(self, now: float) -> float:
        return self.search.next_start(now + self._offset_s) - self._offset_s

    @override
    def sent(self, now: float) -> object:
        return self.search.sent(now + self._offset_s)

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        assert isinstance(tag, Ticket)
        self.search.accepted(now + self._offset_s, tag, latency_s=now - sent_at)

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        assert isinstance(tag, Ticket)
        self.search.refused(now + self._offset_s, tag, retry_after_s)


class ConstantRate(Client):
    """A known rate, evenly spaced, whatever the responses."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._due = 0.0

    @override
    def next_start(self, now: float) -> float:
        return max(self._due, now)

    @override
    def sent(self, now: float) -> object:
        self._due = max(self._due, now - 0.02) + 1.0 / self.rate_per_s
        return None

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        pass

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        pass


class SemaphoreAndBackoff(Client):
    """``workers`` tasks behind a semaphore, each retrying as ``tenacity.wait_random_exponential(max=60)`` does.

    A task keeps its slot while it waits. The tag is how often its request was refused already.
    """

    def __init__(self, seed: int, *, workers: int = 32) -> None:
        self._draw = random.Random(seed)
        self._ready: list[tuple[float, int]] = [(0.0, 0)] * workers

    @override
    def next_start(self, now: float) -> float:
        return max(self._ready[0][0], now) if self._ready else math.inf

    @override
    def sent(self, now: float) -> object:
        return heapq.heappop(self._ready)[1]

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        heapq.heappush(self._ready, (now, 0))

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        assert isinstance(tag, int)
        wait = self._draw.random() * min(60.0, 2.0 ** min(tag, 10))
        heapq.heappush(self._ready, (now + wait, tag + 1))


class FixedCooldown(SemaphoreAndBackoff):
    """``workers`` tasks at full speed; after a refusal all of them wait ``cooldown_s``."""

    def __init__(self, seed: int, *, workers: int = 32, cooldown_s: float = 15.0) -> None:
        super().__init__(seed, workers=workers)
        self._cooldown_s = cooldown_s
        self._until = 0.0

    @override
    def next_start(self, now: float) -> float:
        return max(super().next_start(now), self._until)

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        self._until = max(self._until, now + self._cooldown_s)
        heapq.heappush(self._ready, (now, 0))


class AdditiveIncrease(ConstantRate):
    """Additive increase, multiplicative decrease: +1 a second each second, -10 % per refusal."""

    def __init__(self, seed: int, *, cut: float = 0.9, up_per_s: float = 1.0) -> None:
        del seed
        super().__init__(2.0)
        self._cut = cut
        self._up_per_s = up_per_s
        self._cut_at = -1.0
        self._until = 0.0
        self._was_refused = False

    @override
    def next_start(self, now: float) -> float:
        return max(super().next_start(now), self._until)

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        if not self._was_refused:
            self.rate_per_s += math.log(2.0)
        else:
            self.rate_per_s += self._up_per_s / self.rate_per_s

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        if retry_after_s is not None:
            self._until = max(self._until, now + retry_after_s)
        if sent_at >= self._cut_at:
            self.rate_per_s = max(0.1, self.rate_per_s * (self._cut if self._was_refused else 0.5))
            self._was_refused = True
            self._cut_at = now


class CubicBucket(Client):
    """botocore's adaptive retry mode: a token bucket whose fill rate follows CUBIC.

    After botocore 1.40, ``retries/adaptive.py`` and ``retries/throttling.py``: a cut to 0.7 of the lesser of the fill rate
    and the measured one, growth ``0.4 (t - k)^3 + w_max``, at most twice the measured rate, never below 0.5 a second.
    """

    _SCALE, _BETA, _SMOOTHING = 0.4, 0.7, 0.8

    def __init__(self, seed: int) -> None:
        del seed
        self._is_throttled = False
        self._fill, self._tokens, self._capacity = 0.5, 0.0, 1.0
        self._filled_at = 0.0
        self._w_max, self._last_fail, self._k = 0.5, 0.0, 0.0
        self._measured, self._bucket, self._count = 0.0, 0.0, 0

    @override
    def next_start(self, now: float) -> float:
        if not self._is_throttled:
            return now
        self._refill(now)
        return now if self._tokens >= 1.0 - 1e-9 else now + (1.0 - self._tokens) / self._fill

    @override
    def sent(self, now: float) -> object:
        if self._is_throttled:
            self._refill(now)
            self._tokens -= 1.0
        return None

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        self._measure(now)
        elapsed = now - self._last_fail - self._k
        self._set_fill(now, min(self._SCALE * elapsed**3 + self._w_max, 2.0 * self._measured))

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        self._measure(now)
        rate = min(self._fill, self._measured) if self._is_throttled else self._measured
        self._w_max, self._last_fail = rate, now
        self._k = (rate * (1.0 - self._BETA) / self._SCALE) ** (1.0 / 3.0)
        self._is_throttled = True
        self._set_fill(now, rate * self._BETA)

    def _refill(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._fill)
        self._filled_at = now

    def _set_fill(self, now: float, fill: float) -> None:
        self._refill(now)
        self._fill = max(fill, 0.5)
        self._capacity = max(fill, 1.0)
        self._tokens = min(self._tokens, self._capacity)

    def _measure(self, now: float) -> None:
        self._count += 1
        bucket = math.floor(now * 2.0) / 2.0
        if bucket > self._bucket:
            current = self._count / (bucket - self._bucket)
            self._measured = current * self._SMOOTHING + self._measured * (1.0 - self._SMOOTHING)
            self._bucket, self._count = bucket, 0


PEERS = {
    "semaphore + exponential backoff": SemaphoreAndBackoff,
    "15 s cool-down after a 429": FixedCooldown,
    "CUBIC token bucket": CubicBucket,
    "AIMD, -10 %": AdditiveIncrease,
}
