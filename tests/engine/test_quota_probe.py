import pytest

from batchrun.engine.sending.quota_probe import QuotaProbe


def refused_gaps(probe: QuotaProbe, count: int, *, now: float = 0.0) -> list[float]:
    """How long each probe waits for the next, if all are refused at once."""
    gaps = []
    probe.refused(now)
    for _ in range(count):
        gaps.append(probe.at_s - now)
        now = probe.at_s
        probe.sent(now)
        probe.refused(now)
    return gaps


def test_probes_follow_at_growing_gaps_up_to_a_minute() -> None:
    assert refused_gaps(QuotaProbe(), 8) == [2, 4, 8, 16, 32, 60, 60, 60]


def test_an_hour_of_waiting_costs_some_sixty_probes() -> None:
    gaps = refused_gaps(QuotaProbe(), 100)
    assert 60 <= next(n for n in range(100) if sum(gaps[:n]) >= 3600) <= 66


def test_attempts_that_were_under_way_with_the_first_do_not_lengthen_the_gap() -> None:
    probe = QuotaProbe()
    for number in range(16):
        probe.refused(number / 100)
    assert probe.at_s == 2.0


def test_a_run_that_was_created_lets_the_next_one_go_at_once() -> None:
    probe = QuotaProbe()
    refused_gaps(probe, 5)
    probe.sent(100.0)
    probe.succeeded(100.5)
    assert probe.at_s == 100.5
    assert refused_gaps(probe, 2, now=101.0) == [2, 4]


def test_a_retry_after_is_honored() -> None:
    probe = QuotaProbe()
    probe.refused(10.0, 300.0)
    assert probe.at_s == 310.0
    probe.refused(11.0, 600.0)
    assert probe.at_s == 611.0


def test_a_probe_that_nothing_is_heard_of_is_followed_by_another() -> None:
    probe = QuotaProbe()
    probe.refused(0.0)
    probe.sent(2.0)
    assert probe.at_s == pytest.approx(6.0)
