"""The server's clock, as far as the ``Date`` headers of its responses reveal it."""

import time

from batchrun.wherobots.retry_after import http_date

__all__ = ["ServerClock"]


class ServerClock:
    """How far the server's clock is ahead of ours, from the ``Date`` header of its answers."""

    __slots__ = ("_seen", "offset_s")

    def __init__(self) -> None:
        self.offset_s: float | None = None
        self._seen = ""

    def read(self, date: str | None) -> None:
        """Take one header; it has whole seconds, so half a second is the likeliest rest."""
        if not date or date == self._seen:
            return
        self._seen = date
        if (moment := http_date(date)) is not None:
            self.offset_s = moment + 0.5 - time.time()

    def now(self) -> float:
        """The server's time in epoch seconds, as far as it is known."""
        return time.time() + (self.offset_s or 0.0)
