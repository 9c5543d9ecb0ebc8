"""At most N unfinished runs of this batch at the service: the number given, the quota found, and who waits for room."""

from collections.abc import Callable

import anyio

__all__ = ["ActiveRuns"]

QUOTA_GROWTH = 0.2
"""What a window full of created runs adds to a quota that was found: probing costs a refusal each time it is too much."""


class ActiveRuns:
    """Room for runs. A slot is held from before an attempt until its run has ended, or is known not to exist.

    ``max_active`` bounds it from the start. A refusal for quota bounds it as well, at what is active just then: nobody
    enters until that has been looked at. From there the bound grows slowly with what is created.
    """

    def __init__(self, max_active: int | None, *, is_over: Callable[[], bool]) -> None:
        self._max = max_active
        self._quota: float | None = None
        self._is_unsure = False
        self._is_over = is_over
        self.has_earlier = False
        """True: runs of earlier sessions are among the active ones."""
        self._held = 0
        self._active: dict[str, str] = {}
        self._changed = anyio.Event()
        self._waiters = 0

    @property
    def is_bounded(self) -> bool:
        """True when active runs matter, and so have to be watched."""
        return self._max is not None or self._quota is not None

    @property
    def active(self) -> dict[str, str]:
        """Unfinished runs at the service: their ids, with the key of each."""
        return self._active

    @property
    def limit(self) -> int | None:
        """How many may be active at once, as far as it is known."""
        bounds = [bound for bound in (self._max, self._quota) if bound is not None]
        return max(1, int(min(bounds))) if bounds else None

    @property
    def is_full(self) -> bool:
        limit = self.limit
        if self._is_unsure and self._active:
            return True
        return limit is not None and self._held + len(self._active) >= limit

    async def enter(self) -> None:
        """Take a slot, as soon as there is one; or when there is nothing left to do with it."""
        while self.is_full and not self._is_over():
            await self._wait()
        self._held += 1

    def hold(self) -> None:
        """Take a slot for a run that may exist already."""
        self._held += 1

    def release(self) -> None:
        """Give a slot back: its run does not exist, or is counted as active."""
        self._held -= 1
        self._wake()

    def created(self, run_id: str, key: str) -> None:
        """A run exists and has not ended."""
        self._active[run_id] = key
        if self._quota is not None:
            self._quota += QUOTA_GROWTH / max(self._quota, 1.0)

    def ended(self, run_id: str) -> None:
        """A run has ended."""
        if self._active.pop(run_id, None) is not None:
            self._wake()

    def refused(self) -> None:
        """The service refused a run for quota: no more than are active now, as soon as that is known."""
        self._quota = float(max(1, len(self._active)))
        self._is_unsure = True

    def looked(self) -> None:
        """``active`` is what was active a moment ago."""
        if self._is_unsure:
            self._is_unsure = False
            self._quota = float(max(1, len(self._active)))
            self._wake()

    async def _wait(self) -> None:
        self._waiters += 1
        try:
            await self._changed.wait()
        finally:
            self._waiters -= 1

    def _wake(self) -> None:
        if self._waiters:
            self._changed.set()
            self._changed = anyio.Event()
