"""Times as a ledger writes them, and as they are read back."""

from datetime import UTC, datetime

from batchrun.wherobots.clock import steady_now

__all__ = ["LedgerClock", "epoch_seconds", "timestamp"]


def timestamp(epoch_s: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    # Milliseconds are cut off, not rounded: 999.6 would make a thousand of them.
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(epoch_s % 1 * 1000):03d}Z"


def epoch_seconds(at: str) -> float:
    """Parse a timestamp; a time without an offset is UTC, an unreadable one is the epoch."""
    try:
        moment = _parse(at)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


_parse = datetime.fromisoformat


_MILLISECONDS = tuple(f"{ms:03d}Z" for ms in range(1000))


class LedgerClock:
    """Writes the time into events."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    @staticmethod
    def now() -> float:
        """Epoch seconds by a clock that never steps."""
        return steady_now()

    def stamp(self) -> str:
        """The time as the ledger writes it; the text of each second is formatted once."""
        now = steady_now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = timestamp(second)[:-4]
        return self._text + _MILLISECONDS[int((now - second) * 1000)]
