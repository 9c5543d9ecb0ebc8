"""One client against one limiter on a virtual clock, with a network between them."""

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from benchmarks.pacing.limiters import Limiter

__all__ = ["Change", "Client", "Network", "Result", "simulate"]


class Client(Protocol):
    """What is simulated: when it sends, and what it learns from responses. Times are seconds of the virtual clock."""

    def next_start(self, now: float) -> float: ...
    def sent(self, now: float) -> object: ...
    def accepted(self, now: float, sent_at: float, tag: object) -> None: ...
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A service in the same country, as seen from a laptop."""

    delay_s: float = 0.025
    """One way, at least."""
    jitter_s: float = 0.003
    """On top of it, one way: exponential, with this mean. Large enough for responses to overtake each other."""
    service_s: float = 0.08
    """Time to create a run: exponential, with this mean."""
    refusal_s: float = 0.005
    """Time to refuse a request. Shorter than to serve it, so refusals overtake earlier successes."""
    most_in_flight: int = 256
    """Requests in flight, at most."""
    servers: int | None = None
    """Requests that the service works on at once; the others wait in its queue, and nothing is refused for that."""


@dataclass(slots=True)
class Result:
    """What the limiter saw."""

    seconds: float
    accepted: int = 0
    refused: int = 0
    accepted_a_second: list[int] = field(default_factory=list)
    refused_a_second: list[int] = field(default_factory=list)
    in_flight_each_second: list[int] = field(default_factory=list)
    """At the end of each second."""
    latency_each_second: list[float] = field(default_factory=list)
    """Seconds that the latest response took."""

    @property
    def share_refused(self) -> float:
        return self.refused / max(1, self.accepted + self.refused)

    def share_used(self, rate_per_s: float) -> float:
        return self.accepted / (rate_per_s * self.seconds)


@dataclass(frozen=True, slots=True)
class Change:
    """From ``at`` on the limit is ``rate_per_s``."""

    at: float
    rate_per_s: float


def simulate(
    client: Client,
    limiter: Limiter,
    *,
    seconds: float = 900.0,
    work: float = math.inf,
    seed: int = 0,
    network: Network = Network(),
    sends_retry_after: bool = False,
    change: Change | None = None,
) -> Result:
    """Run until ``seconds`` have passed, or ``work`` requests were accepted."""
    result = Result(seconds, accepted_a_second=[0] * (int(seconds) + 1), refused_a_second=[0] * (int(seconds) + 1))
    wire = _Wire(client, limiter, network, random.Random(seed), sends_retry_after=sends_retry_after)
    now = 0.0
    while result.accepted < work:
        now = wire.next_event(now)
        if now > seconds:
            break
        if change is not None and now >= change.at:
            limiter.set_rate(change.rate_per_s)
            change = None
        wire.advance(now, result)
        while len(result.in_flight_each_second) < int(now):
            result.in_flight_each_second.append(wire.in_flight)
            result.latency_each_second.append(wire.latency_s)
    result.seconds = min(now, seconds)
    return result


class _Wire:
    """Requests and responses on their way, and the client's next start: whichever is due first happens."""

    def __init__(
        self, client: Client, limiter: Limiter, network: Network, draw: random.Random, *, sends_retry_after: bool
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._network = network
        self._draw = draw
        self._sends_retry_after = sends_retry_after
        self._events: list[tuple[float, int, _Kind, float, object, float | None]] = []
        self._order = itertools.count()
        self.in_flight = 0
        self.latency_s = 0.0
        self._free_at = [0.0] * (network.servers or 0)
        self._sends = False

    def next_event(self, now: float) -> float:
        """When it is due. At a tie, what is on its way comes before a new request."""
        may_send = self.in_flight < self._network.most_in_flight
        start = self._client.next_start(now) if may_send else math.inf
        self._sends = not self._events or start < self._events[0][0]
        return max(now, start) if self._sends else self._events[0][0]

    def advance(self, now: float, result: Result) -> None:
        if self._sends:
            self.in_flight += 1
            self._put(now + self._one_way(), _Kind.ARRIVAL, now, self._client.sent(now))
            return
        _, _, kind, sent_at, tag, retry_after_s = heapq.heappop(self._events)
        if kind is _Kind.ARRIVAL:
            self._arrive(now, sent_at, tag, result)
            return
        self.in_flight -= 1
        if kind is _Kind.ACCEPTED:
            self.latency_s = now - sent_at
            self._client.accepted(now, sent_at, tag)
        else:
            self._client.refused(now, sent_at, tag, retry_after_s)

    def _arrive(self, now: float, sent_at: float, tag: object, result: Result) -> None:
        wait = self._limiter.admit(now)
        if wait is None:
            result.accepted += 1
            result.accepted_a_second[int(now)] += 1
            think_s = self._draw.expovariate(1.0 / self._network.service_s)
            self._put(self._begins_at(now, think_s) + think_s + self._one_way(), _Kind.ACCEPTED, sent_at, tag)
        else:
            result.refused += 1
            result.refused_a_second[int(now)] += 1
            retry_after_s = float(max(1, math.ceil(wait))) if self._sends_retry_after else None  # whole seconds
            self._put(now + self._network.refusal_s + self._one_way(), _Kind.REFUSED, sent_at, tag, retry_after_s)

    def _begins_at(self, now: float, think_s: float) -> float:
        """When the service begins to work on what just arrived."""
        if self._network.servers is None:
            return now
        begins_at = max(now, heapq.heappop(self._free_at))
        heapq.heappush(self._free_at, begins_at + think_s)
        return begins_at

    def _put(self, at: float, kind: "_Kind", sent_at: float, tag: object, retry_after_s: float | None = None) -> None:
        heapq.heappush(self._events, (at, next(self._order), kind, sent_at, tag, retry_after_s))

    def _one_way(self) -> float:
        return self._network.delay_s + self._draw.expovariate(1.0 / self._network.jitter_s)


class _Kind(Enum):
    ARRIVAL = 1
    ACCEPTED = 2
    REFUSED = 3
