"""A clock that jumps: an event loop on it never waits, so minutes of backoff take milliseconds and come out exact."""

import asyncio
import selectors
import time
from typing import Any

import anyio.to_thread
import pytest
from typing_extensions import override

from batchrun.wherobots import clock

__all__ = ["VirtualClock"]

EPOCH_S = 1_800_000_000.0
PASS_S = 1e-7
"""What one pass of the loop takes: code that waits for a rounding error to go by would otherwise wait forever."""


class VirtualClock:
    """Seconds that pass only when the loop has nothing else to do, or when a test advances them.

    The loop blocks for real only when no timer is set, and while a thread works, as when it writes a file: threads take no
    time.
    """

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.threads = 0

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return EPOCH_S + self.now_s

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it the clock of the process."""
        monkeypatch.setattr(time, "monotonic", self.monotonic)
        monkeypatch.setattr(time, "time", self.time)
        monkeypatch.setattr(clock, "_BASE_S", EPOCH_S)
        in_thread = anyio.to_thread.run_sync

        async def counted(*args: Any, **options: Any) -> Any:
            self.threads += 1
            try:
                return await in_thread(*args, **options)
            finally:
                self.threads -= 1

        monkeypatch.setattr(anyio.to_thread, "run_sync", counted)

    @property
    def backend(self) -> tuple[str, dict[str, Any]]:
        """For the ``anyio_backend`` fixture."""
        return "asyncio", {"loop_factory": lambda: _Loop(self)}


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    @override
    def time(self) -> float:
        return self._clock.now_s


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._clock.advance(PASS_S)
        if timeout is None or (timeout > 0 and self._clock.threads):
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self._clock.advance(timeout)
        return ready
