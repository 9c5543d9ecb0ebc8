"""Request counters: totals by endpoint and status, and the most recent minutes second by second."""

from collections import Counter, deque
from typing import Any

from batchrun.emulator.calls import READING_CALLS, CallKind

__all__ = ["Stats"]

# Fifteen minutes: long enough for a soak round, and a snapshot stays around 100 kB.
KEPT_SECONDS = 900


class Stats:
    """Counters of one emulator; moments are epoch seconds."""

    def __init__(self) -> None:
        self.resets = 0
        self.clear()

    def clear(self) -> None:
        """Zero everything. ``resets`` lets background work recognize that it belongs to an earlier period."""
        self.resets += 1
        self._calls: Counter[CallKind] = Counter()
        self._totals: dict[str, Counter[str]] = {}
        self._faults: Counter[str] = Counter()
        self._seconds: deque[tuple[int, Counter[str]]] = deque(maxlen=KEPT_SECONDS)
        self._in_flight = 0
        self._in_flight_peak = 0
        self._numbers: Counter[str] = Counter()

    def next_number(self, kind: str = "request") -> int:
        """The number, from 1, of a request of this kind that faults may hit."""
        self._numbers[kind] += 1
        return self._numbers[kind]

    def start_request(self, kind: CallKind) -> None:
        self._calls[kind] += 1
        self._in_flight += 1
        self._in_flight_peak = max(self._in_flight_peak, self._in_flight)

    def end_request(self, endpoint: str, status: int | None, now: float) -> None:
        """Count a finished request; ``status`` is None when no response was sent."""
        self._in_flight = max(0, self._in_flight - 1)  # a reset may have zeroed it while this request was in flight
        status_text = "none" if status is None else str(status)
        self._totals.setdefault(endpoint, Counter())[status_text] += 1
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1][status_text] += 1

    def count_fault(self, name: str) -> None:
        self._faults[name] += 1

    def snapshot(self) -> dict[str, Any]:
        """All counters as plain values; ``per_second`` is oldest first."""
        return {
            "calls": dict(self._calls),
            "reading_calls": sum(count for kind, count in self._calls.items() if kind in READING_CALLS),
            "requests": {endpoint: dict(counts) for endpoint, counts in self._totals.items()},
            "faults": dict(self._faults),
            "requests_at_once": self._in_flight,
            "requests_at_once_peak": self._in_flight_peak,
            "per_second": [
                {
                    "second": second,
                    "requests": sum(counts.values()),
                    "refused": sum(count for status, count in counts.items() if status >= "400" and status != "none"),
                    "by_status": dict(counts),
                }
                for second, counts in self._seconds
            ],
        }
