"""A transport that times each request and each run before passing it on to the real transport."""

import math
import time
from array import array
from collections.abc import Iterator, Mapping

from batchrun.wherobots.transport import SMALL_BYTES, Reply, SendTrace, Transport

__all__ = ["Stopwatch"]


class Stopwatch:
    """Passes requests on to another transport and records when their runs were sent and created.

    Only a hash of each body and two floats are kept per run, so that timing a million runs does not distort the memory
    that is measured.
    """

    def __init__(self, transport: Transport) -> None:
        self.responses_s = array("d")
        """From sending to the response, for every attempt that got one."""
        self.attempts = 0
        """Requests that were handed to the transport, whether or not they left."""
        self._transport = transport
        self._numbers: dict[int, int] = {}
        self._sent = array("d")
        self._created = array("d")

    async def open(self, headers: Mapping[str, str]) -> None:
        await self._transport.open(headers)

    async def close(self) -> None:
        await self._transport.close()

    @property
    def route(self) -> str:
        return self._transport.route

    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        """The other transport's reply; requests without a body, such as listing, are not timed.

        Raises:
            Exception: whatever the other transport raises.

        """
        if body is None:
            return await self._transport.send(method, url, body, trace, most_bytes=most_bytes)
        self.attempts += 1
        started = time.perf_counter()
        # Bodies differ in the run's name. Two with one 64-bit hash would distort one latency, and are unlikely enough.
        number = self._numbers.setdefault(hash(body), len(self._sent))
        if number == len(self._sent):
            self._sent.append(started)
            self._created.append(math.nan)
        reply = await self._transport.send(method, url, body, trace, most_bytes=most_bytes)
        ended = time.perf_counter()
        self.responses_s.append(ended - started)
        if reply.is_success:
            self._created[number] = ended
        return reply

    @property
    def runs(self) -> int:
        """Runs with at least one attempt."""
        return len(self._sent)

    def mark_found(self, body: bytes, at_s: float) -> None:
        """Record when a run whose response was lost was found, by ``time.perf_counter``."""
        self._created[self._numbers[hash(body)]] = at_s

    def run_latencies_s(self, rate_per_s: float | None = None) -> Iterator[float]:
        """The latency of each created run, from its first attempt until it was known to exist.

        With a rate, latency counts from when the rate schedules the run. Otherwise a client that falls behind would
        hide the waiting that it causes ("coordinated omission"; Gil Tene, "How NOT to Measure Latency"). The schedule is
        evenly spaced, in the order in which runs were sent, and starts as late as it can without any run being early.
        """
        starts = self._sent if rate_per_s is None else self._scheduled(1.0 / rate_per_s)
        for start, end in zip(starts, self._created, strict=True):
            if not math.isnan(end):
                yield end - start

    def _scheduled(self, interval_s: float) -> Iterator[float]:
        first = min((sent - number * interval_s for number, sent in enumerate(self._sent)), default=0.0)
        return (first + number * interval_s for number in range(len(self._sent)))
