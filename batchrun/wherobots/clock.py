"""Two clocks: ours, which never steps, and the server's, as far as the ``Date`` headers of its responses reveal it."""

import time

from batchrun.wherobots.retry_after import http_date

__all__ = ["ServerClock", "creation_offset_s", "steady_now"]

UNKNOWN_OFFSET_S = -3600.0
"""Assumed if the server never revealed its time: our clock is at most an hour ahead."""
MINUTE_S = 60.0
LARGEST_OFFSET_S = 86_400.0
"""A ``Date`` further from our clock than a day is not believed: either clock is broken, and nothing follows from it."""

_BASE_S = time.time() - time.monotonic()


def steady_now() -> float:
    """Wall time in epoch seconds that never steps within a process: read once, then carried on by the monotonic clock.

    Offsets and timestamps must come from the same clock: with two of them, an NTP step between the one and the other
    makes a run appear to have been created before it was sent.
    """
    return _BASE_S + time.monotonic()


def creation_offset_s(server_offset_s: float | None) -> float:
    """What to add to our time of an attempt for the earliest time that its run can carry as its creation time.

    A server whose ``Date`` is ahead may still stamp its runs with the right time (a proxy writes the one, a database the
    other), so only an offset to the past is applied: too early a time costs a longer list, too late a time loses the run.
    """
    if server_offset_s is None:
        return UNKNOWN_OFFSET_S
    return min(server_offset_s, 0.0)


class ServerClock:
    """How far the server's clock is ahead of ours, from the ``Date`` header of its responses."""

    __slots__ = (
        "_is_confirmed",
        "_is_date_far_behind",
        "_is_far_behind",
        "_list_lag_s",
        "_seen",
        "creation_lag_s",
        "offset_s",
    )

    def __init__(self) -> None:
        self.offset_s: float | None = None
        """Seconds; None while no believable ``Date`` has been seen."""
        self.creation_lag_s = 0.0
        """How far the clock that stamps creation times is behind, as far as runs created in this session show it."""
        self._list_lag_s = 0.0
        self._seen = ""
        self._is_date_far_behind = False
        self._is_far_behind = False
        self._is_confirmed = False

    def created(self, created_s: float, sent_at_s: float) -> float:
        """Take the creation time of a run, and the earliest one that was expected of it, both in epoch seconds.

        Returns:
            The lag in seconds if it is news: above what was known by a second; else 0.

        """
        lag_s = sent_at_s - created_s
        self._is_far_behind |= lag_s > LARGEST_OFFSET_S
        self._is_confirmed |= lag_s <= LARGEST_OFFSET_S
        if not self.creation_lag_s + 1 < lag_s <= LARGEST_OFFSET_S:
            return 0.0
        self.creation_lag_s = lag_s
        return lag_s

    def listed(self, listed_s: float, created_s: float) -> bool:
        """Take the creation time of a run as a list gives it, and as the run itself does, both in epoch seconds.

        Returns:
            Whether lists are further behind than was known: in another time zone, or in whole minutes.

        """
        behind_s = created_s - listed_s
        if not max(1.0, self._list_lag_s) < behind_s <= LARGEST_OFFSET_S:
            return False
        # Of times in whole minutes, one run shows a part: the next may be a whole minute behind.
        self.creation_lag_s += behind_s + MINUTE_S - self._list_lag_s
        self._list_lag_s = behind_s + MINUTE_S
        return True

    def read(self, date: str | None) -> None:
        """Take one header. It has whole seconds, so half a second is added as the most likely rest."""
        if not date or date == self._seen:
            return
        self._seen = date
        if (moment := http_date(date)) is not None:
            offset_s = moment + 0.5 - steady_now()
            if abs(offset_s) <= LARGEST_OFFSET_S:
                self.offset_s = offset_s
            self._is_date_far_behind |= offset_s < -LARGEST_OFFSET_S

    def can_date(self, created_from_s: float) -> bool:
        """Whether a list of what was created since then can show what was created since then.

        It cannot if our clock is ahead by days, or was when the time was noted. A created run shows whether it is; a ``Date``
        alone may be wrong itself, so it counts only until there is one.
        """
        is_ahead = self._is_far_behind or (self._is_date_far_behind and not self._is_confirmed)
        return not is_ahead and created_from_s <= self.now() + LARGEST_OFFSET_S

    def now(self) -> float:
        """The server's time in epoch seconds, as far as it is known."""
        return steady_now() + (self.offset_s or 0.0)
