"""Wait for a change; notifying costs nothing while nobody is waiting."""

import anyio

__all__ = ["Notifier"]


class Notifier:
    """Wakes all current waiters at once; each of them then checks its own condition."""

    __slots__ = ("_event", "_waiters")

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._waiters = 0

    async def wait(self, timeout_s: float | None = None) -> None:
        """Return after the next `notify`, or after ``timeout_s`` seconds."""
        self._waiters += 1
        try:
            if timeout_s is None:  # hundreds of workers may wait, and a cancel scope costs more than the wait itself
                await self._event.wait()
                return
            with anyio.move_on_after(timeout_s):
                await self._event.wait()
        finally:
            self._waiters -= 1

    def notify(self) -> None:
        # An event is made only if somebody waits: this is called for every run.
        if self._waiters:
            self._event.set()
            self._event = anyio.Event()
