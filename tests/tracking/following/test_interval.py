"""How long to wait between two looks."""

import pytest

from batchrun.tracking.interval import Rhythm


def rhythm(usual_s: float | None = None, changed_s: float | None = None) -> Rhythm:
    return Rhythm(began_s=0.0, usual_s=usual_s, changed_s=changed_s)


@pytest.mark.parametrize(("usual_s", "wait_s"), [(300.0, 15.0), (3_600.0, 15.0), (20.0, 1.0), (2.0, 0.1), (0.1, 0.1)])
def test_after_a_change_the_wait_is_a_share_of_the_usual_length(usual_s: float, wait_s: float) -> None:
    assert rhythm(usual_s, changed_s=100.0).wait_s(100.0) == pytest.approx(wait_s)


def test_while_no_run_has_ended_they_last_at_least_as_long_as_that() -> None:
    assert rhythm().wait_s(0.0) == 1.0
    assert rhythm().wait_s(100.0) == pytest.approx(10.0)
    assert rhythm().wait_s(10_000.0) == pytest.approx(60.0)


def test_long_runs_are_looked_at_more_rarely_while_nothing_changes() -> None:
    waits = [rhythm(3_600.0, changed_s=0.0).wait_s(now_s) for now_s in (0.0, 100.0, 200.0, 1_000.0)]
    assert waits == [15.0, 25.0, 50.0, 60.0]


@pytest.mark.parametrize("usual_s", [1.0, 30.0, 300.0, 700.0, 1_000.0, 10_000.0])
@pytest.mark.parametrize("quiet_s", [0.0, 10.0, 100.0, 10_000.0])
def test_a_change_is_known_within_15_s_or_2_percent_of_the_length(usual_s: float, quiet_s: float) -> None:
    wait_s = rhythm(usual_s, changed_s=0.0).wait_s(quiet_s)
    assert 0.1 <= wait_s <= max(15.0, 0.02 * max(usual_s, quiet_s))


def test_the_usual_length_follows_what_is_learned() -> None:
    made = rhythm()
    made.learn(100.0)
    assert made.usual_s == 100.0
    for _ in range(100):
        made.learn(10.0)
    assert made.usual_s == pytest.approx(10.0, abs=0.1)
    made.changed(5.0)
    assert made.changed_s == 5.0
