"""What was asked and answered: totals, and the last minutes second by second."""

from collections import Counter, deque
from typing import Any

__all__ = ["Stats"]

KEPT_SECONDS = 900


class Stats:
    """Counters of one emulator; seconds are epoch seconds."""

    def __init__(self) -> None:
        self.era = 0
        self.clear()

    def clear(self) -> None:
        """Begin anew; ``era`` tells what is of before."""
        self.era += 1
        self._totals: dict[str, Counter[str]] = {}
        self._faults: Counter[str] = Counter()
        self._seconds: deque[tuple[int, Counter[str]]] = deque(maxlen=KEPT_SECONDS)
        self._at_once = 0
        self._at_once_peak = 0
        self._number = 0

    def next_number(self) -> int:
        """The number of a request that may go wrong, from 1."""
        self._number += 1
        return self._number

    def begin(self) -> None:
        """A request came in."""
        self._at_once += 1
        self._at_once_peak = max(self._at_once_peak, self._at_once)

    def end(self, call: str, status: int | None, now: float) -> None:
        """A request is over; ``status`` is None when nothing was answered."""
        self._at_once = max(0, self._at_once - 1)
        word = "none" if status is None else str(status)
        self._totals.setdefault(call, Counter())[word] += 1
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1][word] += 1

    def fault(self, name: str) -> None:
        """A fault struck."""
        self._faults[name] += 1

    def snapshot(self) -> dict[str, Any]:
        """Everything as plain values; ``per_second`` is oldest first."""
        return {
            "requests": {call: dict(counts) for call, counts in self._totals.items()},
            "faults": dict(self._faults),
            "requests_at_once": self._at_once,
            "requests_at_once_peak": self._at_once_peak,
            "per_second": [
                {
                    "second": second,
                    "requests": sum(counts.values()),
                    "refused": sum(count for word, count in counts.items() if word >= "400" and word != "none"),
                    "by_status": dict(counts),
                }
                for second, counts in self._seconds
            ],
        }
