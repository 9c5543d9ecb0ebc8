"""Simulated time: a clock that jumps from timer to timer, and the event loop that runs on it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from batchrun.wherobots import clock as batchrun_clock

__all__ = ["EPOCH_S", "Clock", "DeadlockError", "SimLoop"]

EPOCH_S = 1_800_000_000.0
"""The service's time when the simulation begins, in epoch seconds."""
PASS_S = 1e-6
"""What one pass of the loop takes."""


class DeadlockError(AssertionError):
    """Nothing is ready, and no timer is set: the session would hang for ever."""


class Clock:
    """Seconds since the history began, and the client's wall clock, which a neighbour may step."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.wall_error_s = 0.0
        """How far the client's wall clock is ahead of the service's time."""

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return self.server_s + self.wall_error_s

    @property
    def server_s(self) -> float:
        """The service's own time."""
        return EPOCH_S + self.now_s

    def install(self) -> None:
        """Make it the clock of this process."""
        time.monotonic = self.monotonic
        time.time = self.time

    def start_process(self) -> None:
        """What a new process reads once, when it imports batchrun."""
        batchrun_clock._BASE_S = self.time() - self.monotonic()  # type: ignore[misc]


class _Selector:
    """In place of a selector: there is no input or output, so waiting is nothing but time."""

    def __init__(self, clock: Clock, on_pass: Callable[[], None]) -> None:
        self._clock = clock
        self._on_pass = on_pass

    def select(self, timeout: float | None) -> list[Any]:
        self._clock.now_s += PASS_S
        if timeout is None:
            raise DeadlockError("nothing is ready, and no timer is set")
        if timeout > 0:
            self._clock.now_s += timeout
        self._on_pass()
        return []


class SimLoop(asyncio.BaseEventLoop):
    """A plain asyncio loop without sockets; ``on_pass`` is called once in each pass."""

    def __init__(self, clock: Clock, on_pass: Callable[[], None]) -> None:
        super().__init__()
        self._clock = clock
        self._selector = _Selector(clock, on_pass)
        self.set_exception_handler(lambda _loop, _context: None)

    @override
    def time(self) -> float:
        return self._clock.now_s

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
