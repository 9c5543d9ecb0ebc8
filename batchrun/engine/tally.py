"""The counts of a batch while it is being submitted; the only place that adds them up."""

import time
from collections import deque

from batchrun.engine.pacing.pacer import Pace
from batchrun.engine.progress import Progress, outcome_counts
from batchrun.ledger.fold import BatchState, Outcome

__all__ = ["Tally"]

RATE_WINDOW_S = 10.0
"""Over which the submission rate is averaged: long enough to be steady, short enough to follow a change."""


class Tally:
    """Every planned run has exactly one outcome; ``move`` changes it. Runs with an outcome in ``retry`` start as pending."""

    def __init__(self, planned: int, state: BatchState, retry: frozenset[Outcome] = frozenset()) -> None:
        self.planned = planned
        self.outcomes = {outcome: state.count(outcome) for outcome in Outcome}
        self._to_retry = {outcome: self.outcomes[outcome] for outcome in retry}
        for outcome in retry:
            self.outcomes[outcome] = 0
        # What is left of the plan: most pending runs have no event to be counted by.
        self.outcomes[Outcome.PENDING] = planned - sum(
            n for outcome, n in self.outcomes.items() if outcome is not Outcome.PENDING
        )
        # A resume would otherwise stop at once, by what an earlier session counted.
        self._bad_before = self.outcomes[Outcome.REJECTED] + self.outcomes[Outcome.FAILED]
        self.attempts = 0
        self.retries = 0
        self.settled = 0
        self.in_flight = 0
        self.last_failure = ""
        """What the latest attempt that created no run ended with."""
        self._began_s = time.monotonic()
        self._submitted_at: deque[tuple[float, int]] = deque([(self._began_s, self.outcomes[Outcome.SUBMITTED])])

    def move(self, before: Outcome, after: Outcome) -> None:
        self.outcomes[before] -= 1
        self.outcomes[after] += 1

    def retried(self, outcome: Outcome) -> None:
        """A run that had this outcome before the session is being sent again."""
        self._to_retry[outcome] -= 1

    def end(self) -> None:
        """Runs that were to be sent again and were not have the outcome that the ledger says."""
        for outcome, n in self._to_retry.items():
            self.outcomes[outcome] += n
            self.outcomes[Outcome.PENDING] -= n
        self._to_retry.clear()

    def attempted(self, *, is_retry: bool) -> None:
        self.attempts += 1
        self.retries += is_retry
        self.in_flight += 1

    @property
    def ended_badly(self) -> int:
        """Runs that were rejected or failed in this session: a resume is not stopped by what an earlier one saw."""
        return self.outcomes[Outcome.REJECTED] + self.outcomes[Outcome.FAILED] - self._bad_before

    def totals(self) -> dict[str, int]:
        """For the ledger: the outcomes by name."""
        return {outcome.value: n for outcome, n in self.outcomes.items()}

    def snapshot(self, pace: Pace, *, waiting: int, active: int | None = None) -> Progress:
        """The batch now. ``left_s`` leaves out what nobody can know: how long settling and pauses will take."""
        now = time.monotonic()
        rate = self._rate(now)
        left = self.outcomes[Outcome.PENDING]
        return Progress(
            planned=self.planned,
            **outcome_counts(self.outcomes.__getitem__),
            in_flight=self.in_flight,
            waiting=waiting,
            attempts=self.attempts,
            retries=self.retries,
            settled=self.settled,
            active=active,
            rate_per_s=rate,
            limit_per_s=pace.limit_per_s,
            pace=pace.description,
            pause_s=pace.pause_s,
            pause_reason=pace.pause_reason,
            elapsed_s=now - self._began_s,
            left_s=0.0 if left == 0 else left / rate if rate > 0 else None,
        )

    def _rate(self, now: float) -> float:
        seen = self._submitted_at
        submitted = self.outcomes[Outcome.SUBMITTED]
        seen.append((now, submitted))
        while len(seen) > 2 and seen[0][0] < now - RATE_WINDOW_S:  # noqa: PLR2004 - one to measure from, one to measure to
            seen.popleft()
        then, count = seen[0]
        return (submitted - count) / (now - then) if now > then else 0.0
