"""Counters, by value."""

from batchrun.emulator.stats import KEPT_SECONDS, Stats


def test_requests_are_counted_by_endpoint_status_and_second() -> None:
    stats = Stats()
    for endpoint, status, now in (("POST /runs", 201, 10.2), ("POST /runs", 429, 10.9), ("GET /runs", None, 11.0)):
        stats.start_request("list")
        stats.end_request(endpoint, status, now)
    snapshot = stats.snapshot()
    assert snapshot["requests"] == {"POST /runs": {"201": 1, "429": 1}, "GET /runs": {"none": 1}}
    assert snapshot["per_second"] == [
        {"second": 10, "requests": 2, "refused": 1, "by_status": {"201": 1, "429": 1}},
        {"second": 11, "requests": 1, "refused": 0, "by_status": {"none": 1}},
    ]


def test_the_peak_of_concurrent_requests_is_kept() -> None:
    stats = Stats()
    for _ in range(3):
        stats.start_request("list")
    for _ in range(2):
        stats.end_request("GET /runs", 200, 1.0)
    snapshot = stats.snapshot()
    assert (snapshot["requests_at_once"], snapshot["requests_at_once_peak"]) == (1, 3)


def test_only_the_most_recent_seconds_are_kept() -> None:
    stats = Stats()
    for second in range(KEPT_SECONDS + 5):
        stats.end_request("GET /runs", 200, float(second))
    seconds = stats.snapshot()["per_second"]
    assert (len(seconds), seconds[0]["second"]) == (KEPT_SECONDS, 5)


def test_clearing_zeroes_everything_and_is_noticeable() -> None:
    stats = Stats()
    before = stats.resets
    stats.start_request("list")
    stats.count_fault("conflict")
    assert stats.next_number() == 1
    stats.clear()
    assert stats.resets == before + 1
    assert stats.next_number() == 1
    snapshot = stats.snapshot()
    assert (snapshot["faults"], snapshot["requests_at_once_peak"]) == ({}, 0)
    stats.end_request("GET /runs", 200, 1.0)  # it was in flight during the reset
    assert stats.snapshot()["requests_at_once"] == 0
