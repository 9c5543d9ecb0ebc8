"""Simulated time, and the event loop that runs on it. Imports nothing of batchrun, which keeps ``time.monotonic`` in places."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from itertools import count
from typing import Any

from typing_extensions import override

__all__ = ["CLOCK", "Clock", "EndlessError", "Killed", "SimLoop", "install"]

EPOCH_S = 1_800_000_000.0
"""The service's time at the beginning of all simulations, in epoch seconds."""
STEP_S = 1e-6
"""What one step of the loop takes: code that waits for a rounding error to pass would otherwise wait forever."""


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


class _Handle:
    """A callback on its way. Leaner than asyncio's own: half of a simulation's time is spent between two steps."""

    __slots__ = ("args", "callback", "context", "is_cancelled")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context | None) -> None:
        self.callback = callback
        self.args = args
        self.context = copy_context() if context is None else context
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled


class SimLoop(asyncio.BaseEventLoop):
    """A plain asyncio loop without input and output that takes one step at a time, in the order of any asyncio loop.

    ``alarms`` are called at their step, and every step is one run of a task from an ``await`` to the next, or a callback:
    a process can be killed between any two of them.
    """

    def __init__(self, alarms: dict[int, Callable[[], None]]) -> None:
        super().__init__()
        self.steps = 0
        self.is_killed = False
        self._alarms = sorted((alarms | {MOST_STEPS: self._give_up}).items(), reverse=True)
        self._next_alarm = self._alarms[-1][0]
        self._tasks: list[asyncio.Task[Any]] = []
        self._queue: deque[_Handle] = deque()
        self._timers: list[tuple[float, int, _Handle]] = []
        self._order = count()
        self._stopping: bool  # of the base class, which has no types
        self.set_task_factory(self._new_task)

    def _new_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, **options)
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # of asyncio, without types
        self._tasks.append(task)
        return task

    @override
    def time(self) -> float:
        return CLOCK.now_s

    @override
    def call_soon(  # type: ignore[override]  # less strict
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        handle = _Handle(callback, args, context)
        self._queue.append(handle)
        return handle

    @override
    def call_at(  # type: ignore[override]  # less strict
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        handle = _Handle(callback, args, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    @override
    def call_later(  # type: ignore[override]  # less strict
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        return self.call_at(CLOCK.now_s + delay, callback, *args, context=context)

    def _run_once(self) -> None:
        """Called by the base class until the loop is to stop; all steps are taken in one call."""
        queue, timers = self._queue, self._timers
        while not self._stopping:
            if self.is_killed:
                raise Killed
            if not queue:
                self._advance()
            CLOCK.now_s += STEP_S
            while timers and timers[0][0] <= CLOCK.now_s:
                queue.append(heapq.heappop(timers)[2])
            handle = queue.popleft()
            if handle.is_cancelled:
                continue
            self.steps += 1
            if self.steps == self._next_alarm:
                self._ring()
            try:  # noqa: SIM105 - a context manager at each step takes a fiftieth of the time
                handle.context.run(handle.callback, *handle.args)
            except Exception:  # noqa: BLE001 - as every loop does; a task keeps its own
                pass

    def _advance(self) -> None:
        """Let time pass until the next timer."""
        while self._timers and self._timers[0][2].is_cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            raise EndlessError("nothing is ready, and no timer is set")
        CLOCK.now_s = max(CLOCK.now_s, self._timers[0][0])

    def _ring(self) -> None:
        _, alarm = self._alarms.pop()
        self._next_alarm = self._alarms[-1][0] if self._alarms else 0
        alarm()

    def _give_up(self) -> None:
        raise EndlessError(f"more than {MOST_STEPS:,} steps")

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
        self._queue.clear()
        self._timers.clear()
        self.close()
