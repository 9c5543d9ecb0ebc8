"""The offset of the server's clock, from the headers that services send."""

import pytest

from batchrun.wherobots import clock as module
from batchrun.wherobots.clock import ServerClock, creation_offset_s, steady_now

NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ServerClock:
    monkeypatch.setattr(module, "steady_now", lambda: NOW)
    return ServerClock()


def test_without_a_header_the_offset_is_unknown_and_our_own_clock_is_used(clock: ServerClock) -> None:
    assert clock.offset_s is None
    assert clock.now() == NOW


@pytest.mark.parametrize(
    ("date", "offset_s"),
    [
        ("Wed, 18 Nov 2026 11:06:40 GMT", 0.5),
        ("Wed, 18 Nov 2026 13:06:40 GMT", 7200.5),
        ("Wed, 18 Nov 2026 11:06:10 GMT", -29.5),
    ],
)
def test_a_header_gives_the_offset(clock: ServerClock, date: str, offset_s: float) -> None:
    clock.read(date)
    assert clock.offset_s == offset_s
    assert clock.now() == NOW + offset_s


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 99 Nov 2026 11:06:40 GMT", "1795000000"])
def test_an_unreadable_header_changes_nothing(clock: ServerClock, date: str | None) -> None:
    clock.read("Wed, 18 Nov 2026 13:06:40 GMT")
    clock.read(date)
    assert clock.offset_s == 7200.5


def test_a_repeated_header_is_ignored(clock: ServerClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.read("Wed, 18 Nov 2026 11:06:40 GMT")
    monkeypatch.setattr(module, "steady_now", lambda: NOW + 0.9)
    clock.read("Wed, 18 Nov 2026 11:06:40 GMT")
    assert clock.offset_s == 0.5


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_time_that_is_out_by_more_than_a_day_is_not_believed(clock: ServerClock, date: str) -> None:
    clock.read(date)
    assert clock.offset_s is None


@pytest.mark.parametrize(("offset_s", "shift_s"), [(None, -3600.0), (-40.0, -40.0), (0.0, 0.0), (7200.0, 0.0)])
def test_only_an_offset_to_the_past_moves_the_time_from_which_runs_are_looked_for(
    offset_s: float | None, shift_s: float
) -> None:
    assert creation_offset_s(offset_s) == shift_s


def test_a_step_of_the_wall_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = steady_now()
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert 0.0 <= steady_now() - before < 60.0


def test_lists_that_date_runs_earlier_than_they_were_created_move_the_search_and_a_minute_more(
    clock: ServerClock,
) -> None:
    """In whole minutes: one run shows 30 s of it, another 50 s."""
    assert [clock.listed(NOW - 30, NOW), clock.listed(NOW - 50, NOW)] == [True, False]
    assert clock.creation_lag_s == 90
    assert clock.listed(NOW - 7 * 3600, NOW)
    assert clock.creation_lag_s == 7 * 3600 + 60


@pytest.mark.parametrize("listed_s", [NOW, NOW - 1, NOW + 3600, NOW - 2 * 86_400])
def test_lists_that_date_runs_right_or_absurdly_move_nothing(clock: ServerClock, listed_s: float) -> None:
    assert not clock.listed(listed_s, NOW)
    assert clock.creation_lag_s == 0
