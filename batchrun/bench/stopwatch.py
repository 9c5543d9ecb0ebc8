"""Times each request and each run, between the engine and the transport."""

import math
import time
from array import array
from collections.abc import Iterator, Mapping

from batchrun.wherobots.transport import Reply, SendTrace, Transport

__all__ = ["Stopwatch"]


class Stopwatch:
    """A transport that passes requests on to another one, and keeps when the runs in them were sent and created."""

    def __init__(self, transport: Transport) -> None:
        self.answers_s = array("d")
        """From sending to the reply, of every attempt that got one."""
        self.attempts = 0
        """Requests that were sent, or tried to."""
        self._transport = transport
        self._numbers: dict[int, int] = {}
        self._sent = array("d")
        self._created = array("d")

    async def open(self, headers: Mapping[str, str]) -> None:
        await self._transport.open(headers)

    async def close(self) -> None:
        await self._transport.close()

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        """What the other transport replies.

        Raises:
            Exception: whatever the other transport raises; no status came.

        """
        if body is None:
            return await self._transport.send(method, url, body, trace)
        self.attempts += 1
        began = time.perf_counter()
        number = self._numbers.setdefault(hash(body), len(self._sent))
        if number == len(self._sent):
            self._sent.append(began)
            self._created.append(math.nan)
        reply = await self._transport.send(method, url, body, trace)
        ended = time.perf_counter()
        self.answers_s.append(ended - began)
        if reply.is_success:
            self._created[number] = ended
        return reply

    @property
    def runs(self) -> int:
        """Runs that were sent at least once."""
        return len(self._sent)

    def found(self, body: bytes, at_s: float) -> None:
        """A run whose reply was lost is known to exist since then, by ``time.perf_counter``."""
        self._created[self._numbers[hash(body)]] = at_s

    def runs_s(self, rate_per_s: float | None = None) -> Iterator[float]:
        """How long each created run took, from its first sending until it was known to exist.

        At a rate a run's time begins when the rate meant it to be sent: a client that falls behind would otherwise hide
        the waiting that it causes ("coordinated omission", Gil Tene, "How NOT to Measure Latency"). The runs are meant to
        be sent evenly, in the order in which they were, and the first of them as late as no run was ahead of its time.
        """
        begun = self._sent if rate_per_s is None else self._intended(1.0 / rate_per_s)
        for start, end in zip(begun, self._created, strict=True):
            if not math.isnan(end):
                yield end - start

    def _intended(self, interval_s: float) -> Iterator[float]:
        first = min((sent - number * interval_s for number, sent in enumerate(self._sent)), default=0.0)
        return (first + number * interval_s for number in range(len(self._sent)))
