"""Rates from the times in a ledger."""

from batchrun.ledger.clock import epoch_seconds, timestamp
from batchrun.ledger.events import SessionEvent, SubmittedEvent
from batchrun.report.submission_rate import SubmissionRate

BEGAN = epoch_seconds("2026-11-23T10:00:00.000Z")


def rate_of(count: int, *, every_s: float) -> SubmissionRate:
    rate = SubmissionRate()
    rate.add(SessionEvent(at=timestamp(BEGAN), action="start", pid=1, host="here"))
    for n in range(count):
        rate.add(SubmittedEvent(at=timestamp(BEGAN + n * every_s), key=str(n), n=1, run_id="r", name="name"))
    return rate


def test_a_session_is_measured_from_its_start() -> None:
    rate = rate_of(100, every_s=0.1)
    assert rate.seconds(timestamp(BEGAN + 20)) == 20
    assert rate.per_s(timestamp(BEGAN + 20)) == 5


def test_the_present_rate_looks_at_the_last_seconds_only() -> None:
    rate = rate_of(3000, every_s=0.01)
    assert 98 <= rate.recent_per_s(BEGAN + 30) <= 102
    assert rate.recent_per_s(BEGAN + 60) == 0


def test_a_new_session_counts_from_nothing() -> None:
    rate = rate_of(100, every_s=0.1)
    rate.add(SessionEvent(at=timestamp(BEGAN + 50), action="start", pid=2, host="here"))
    assert rate.submitted == 0
    assert rate.recent_per_s(BEGAN + 51) == 0
