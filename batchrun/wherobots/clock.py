"""The server's clock, estimated from the ``Date`` headers of its responses."""

import time

from batchrun.wherobots.retry_after import http_date

__all__ = ["ServerClock"]


class ServerClock:
    """``offset_s``: how far the server's clock is ahead of ours; None until a ``Date`` header has been read."""

    __slots__ = ("_seen", "offset_s")

    def __init__(self) -> None:
        self.offset_s: float | None = None
        self._seen = ""

    def read(self, date: str | None) -> None:
        """Read one header. It is truncated to whole seconds, so the expected true time is half a second later."""
        # A repeated value adds nothing but drift: the first response of a second is the closest to its start.
        if not date or date == self._seen:
            return
        self._seen = date
        if (moment := http_date(date)) is not None:
            self.offset_s = moment + 0.5 - time.time()

    def now(self) -> float:
        """The server's time in epoch seconds; our own time while the offset is unknown."""
        return time.time() + (self.offset_s or 0.0)
