"""A timeout for each request, at the cost of one timer for all of them.

``asyncio.timeout`` and aiohttp's own ``total`` set and cancel a timer for each request, which takes a tenth of the CPU time
of a request over a fast network. Here all requests have the same time, so they run out in the order in which they began.
"""

import asyncio
from types import TracebackType

__all__ = ["TotalTimeout"]


class TotalTimeout:
    """Ends what takes longer than ``after_s`` seconds: ``with timeout.begin():`` around it."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._under_way: dict[_Deadline, None] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> "_Deadline":
        """A context manager for the current task; it raises ``TimeoutError`` if the time ran out inside."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - requests are sent by tasks
        deadline = _Deadline(self._under_way, task, loop.time() + self._after_s)
        self._under_way[deadline] = None
        if self._timer is None:
            self._timer = loop.call_at(deadline.at_s, self._end_late, loop)
        return deadline

    def close(self) -> None:
        """Cancel the timer; nothing may be under way any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is late, and look again when the oldest of the others is."""
        self._timer = None
        now_s = loop.time()
        for deadline in self._under_way:
            if deadline.is_late:
                continue  # it is ending
            if deadline.at_s > now_s:
                self._timer = loop.call_at(deadline.at_s, self._end_late, loop)
                return
            deadline.end()


class _Deadline:
    """One request's deadline. As with ``asyncio.timeout``, a cancellation that comes from elsewhere stays one."""

    __slots__ = ("_cancelling", "_task", "_under_way", "at_s", "is_late")

    def __init__(self, under_way: "dict[_Deadline, None]", task: asyncio.Task[object], at_s: float) -> None:
        self._under_way = under_way
        self._task = task
        self._cancelling = task.cancelling()
        self.at_s = at_s
        self.is_late = False

    def end(self) -> None:
        """The time ran out."""
        self.is_late = True
        self._task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._under_way[self]
        if self.is_late and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
