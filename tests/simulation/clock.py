"""Simulated time, and the event loop that runs on it. Imports nothing of batchrun, which keeps ``time.monotonic`` in places."""

import asyncio
import heapq
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from typing_extensions import override

__all__ = ["CLOCK", "Clock", "EndlessError", "Killed", "SimLoop", "install"]

EPOCH_S = 1_800_000_000.0
"""The service's time at the beginning of all simulations, in epoch seconds."""
STEP_S = 1e-6
"""What one step of the loop takes: code that waits for a rounding error to pass would otherwise wait for ever."""


MOST_STEPS = 200_000
"""A hundred times what a process takes."""


class Killed(BaseException):
    """The simulated process was killed."""


class EndlessError(AssertionError):
    """The process does not end: nothing is ready and no timer is set, or it takes far too many steps."""


class Clock:
    """Seconds of the simulation, and the client's wall clock, which may be wrong and may step."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.now_s = 1000.0
        self.wall_error_s = 0.0
        """How far the client's wall clock is ahead of the right time."""

    @property
    def epoch_s(self) -> float:
        """The right time."""
        return EPOCH_S + self.now_s

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return EPOCH_S + self.now_s + self.wall_error_s


CLOCK = Clock()
"""There is one, as there is one ``time`` module."""


def install() -> None:
    """Make it the clock of this process. To be called before batchrun is imported."""
    time.monotonic, time.time = CLOCK.monotonic, CLOCK.time


class SimLoop(asyncio.BaseEventLoop):
    """A plain asyncio loop without input and output that takes one step at a time, in the order of any asyncio loop.

    ``alarms`` are called at their step, and every step is one run of a task from an ``await`` to the next, or a callback:
    a process can be killed between any two of them.
    """

    def __init__(self, alarms: dict[int, Callable[[], None]]) -> None:
        super().__init__()
        self.steps = 0
        self.is_killed = False
        self._alarms = sorted(alarms.items(), reverse=True)
        self._next_alarm = self._alarms[-1][0] if self._alarms else 0
        self.set_exception_handler(lambda _loop, _context: None)
        self._tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._new_task)

    def _new_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, **options)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.append(task)
        return task

    @override
    def time(self) -> float:
        return CLOCK.now_s

    def _run_once(self) -> None:
        self._ready: Any  # of the base class, which has no types
        self._scheduled: list[Any]
        if self.is_killed:
            raise Killed
        if not self._ready:
            self._advance()
        CLOCK.now_s += STEP_S
        while self._scheduled and self._scheduled[0]._when <= CLOCK.now_s:
            self._ready.append(self._pop_timer())
        handle = self._ready.popleft()
        if handle._cancelled:
            return
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise EndlessError(f"more than {MOST_STEPS:,} steps")
        if self.steps == self._next_alarm:
            self._ring()
        handle._run()

    def _advance(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            self._pop_timer()
        if not self._scheduled:
            raise EndlessError("nothing is ready, and no timer is set")
        CLOCK.now_s = max(CLOCK.now_s, self._scheduled[0]._when)

    def _pop_timer(self) -> Any:
        handle = heapq.heappop(self._scheduled)
        handle._scheduled = False
        return handle

    def _ring(self) -> None:
        _, alarm = self._alarms.pop()
        self._next_alarm = self._alarms[-1][0] if self._alarms else 0
        alarm()

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """Cancelled timers leave the heap when their time comes."""

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def abandon(self) -> None:
        """Forget what has not ended, as the end of a process does."""
        for task in self._tasks:
            coroutine: Any = task.get_coro()
            with suppress(BaseException):  # the dying words of code that no longer runs in its task
                coroutine.close()
        self._tasks.clear()
        self._ready.clear()
        self._scheduled.clear()
        self.close()
