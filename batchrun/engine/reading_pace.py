"""How often the commands that only look may call the service."""

import time

import anyio

from batchrun.engine.pacing.fixed_rate import FixedRate

__all__ = ["READS_PER_S", "ReadingPace"]

READS_PER_S = 20.0
"""Nothing is being submitted by the command that looks, so it may be quicker than the reads beside a submission (5/s)."""


class ReadingPace:
    """Evenly spaced calls; ``wait`` is what a ``Scanner`` awaits before each."""

    def __init__(self, per_s: float = READS_PER_S) -> None:
        self._rate = FixedRate(per_s, burst=5, now=time.monotonic())

    async def wait(self) -> None:
        now = time.monotonic()
        start = self._rate.next_start(now)
        self._rate.sent(start)
        await anyio.sleep(max(0.0, start - now))
