"""The submission rate of the latest session, from the events of a ledger in order."""

from collections import deque

from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import Event, SessionEvent, SubmittedEvent

__all__ = ["SubmissionRate"]

RATE_OVER_S = 10.0
"""The window of the current rate."""
TENTHS = len("2026-01-01T00:00:00.0")
"""Length of a timestamp's prefix that changes every tenth of a second."""
_TAKEN_OVER = frozenset({"recovered", "resolved"})
MARKS = int(RATE_OVER_S * 10) + 1  # one for each tenth, and one to count from


class SubmissionRate:
    """Counts the runs submitted in the latest session.

    A ledger may hold a million events, so only the running count at each tenth of a second is kept, for the current rate.
    """

    def __init__(self) -> None:
        self.began_at: str | None = None
        self.submitted = 0
        self._ended_at: str | None = None
        self._marks: deque[tuple[str, int]] = deque(maxlen=MARKS)

    def add(self, event: Event) -> None:
        """Count the next event of the ledger."""
        if type(event) is SubmittedEvent and self._ended_at is None:
            if event.via in _TAKEN_OVER:
                return
            self.submitted += 1
            if not self._marks or self._marks[-1][0][:TENTHS] != event.at[:TENTHS]:
                self._marks.append((event.at, self.submitted))
        elif type(event) is SessionEvent:
            if event.action == "start":
                self.began_at, self.submitted, self._ended_at = event.at, 0, None
                self._marks.clear()
            else:  # what is recorded later, such as a run that a person adopts, was not submitted by this session
                self._ended_at = event.at

    def seconds(self, last_at: str | None) -> float:
        """Seconds from the start of the session to its end, or to ``last_at`` while it has none."""
        until = self._ended_at or last_at
        if self.began_at is None or until is None:
            return 0.0
        return max(0.0, epoch_seconds(until) - epoch_seconds(self.began_at))

    def per_s(self, last_at: str | None) -> float:
        """Runs submitted per second from the start of the session to ``last_at``."""
        seconds = self.seconds(last_at)
        return self.submitted / seconds if seconds > 0 else 0.0

    def recent_per_s(self, now_s: float) -> float:
        """Runs submitted per second over the last ``RATE_OVER_S`` before ``now_s`` (epoch)."""
        recent = [count for at, count in self._marks if epoch_seconds(at) >= now_s - RATE_OVER_S]
        if not recent or self.began_at is None:
            return 0.0
        over_s = min(RATE_OVER_S, max(now_s - epoch_seconds(self.began_at), 0.1))  # a session may have just started
        return (self.submitted - recent[0] + 1) / over_s
