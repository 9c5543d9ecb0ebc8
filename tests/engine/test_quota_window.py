import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.quota_window import NATURAL_WINDOWS_S, AcceptedCount, QuotaWindow, RefusedRuns


def shut(window: QuotaWindow, since: float, until: float) -> None:
    """Closed from ``since``, with a probe refused just before ``until``."""
    window.close(since, since=since, feedback_s=0.05)
    window.known_shut(until)


def test_runs_are_counted_by_the_order_of_sending_whatever_order_answers_come_in() -> None:
    runs = RefusedRuns()
    assert [runs.add(number) for number in (5, 9, 7, 6, 8)] == [1, 1, 1, 3, 5]


@given(st.permutations(range(12)))
def test_the_last_of_a_run_always_sees_the_whole(numbers: list[int]) -> None:
    runs = RefusedRuns()
    assert [runs.add(number) for number in numbers][-1] == 12


def test_counts_are_by_the_time_of_sending_also_when_answers_overtake_each_other() -> None:
    count = AcceptedCount()
    for sent_at in (0.05, 1.05, 0.55, 2.05, 1.06):
        count.add(sent_at)
    assert count.since(0.5) == 4
    assert count.since(1.0) == 3
    assert count.since(9.0) == 0


@given(st.lists(st.floats(0.0, 5000.0), max_size=60))
def test_nothing_is_lost_within_the_horizon(times: list[float]) -> None:
    count = AcceptedCount()
    for sent_at in times:
        count.add(sent_at)
    assert count.since(-1.0) == len(times)


def test_probes_come_ever_more_rarely() -> None:
    window = QuotaWindow(0.0)
    window.close(5000.0, since=5000.0, feedback_s=0.05)
    probes = [5000.0]
    for _ in range(25):
        probes.append(window.probe_at)
        window.probed(window.probe_at)
    gaps = [later - earlier for earlier, later in itertools.pairwise(probes)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 0.3
    assert gaps[-1] == 30.0


def test_a_probe_comes_where_a_usual_window_would_turn() -> None:
    window = QuotaWindow(100.0)
    window.close(140.0, since=140.0, feedback_s=0.05)
    probes = []
    while window.probe_at < 165.0:
        probes.append(window.probe_at)
        window.probed(window.probe_at)
    assert 160.05 in probes


def test_two_turns_tell_the_length() -> None:
    window = QuotaWindow(0.0)
    shut(window, 20.0, 41.0)
    assert window.reopened(43.0).shut_for_s == pytest.approx(21.0)
    shut(window, 70.0, 100.0)
    reset = window.reopened(103.1)
    assert window.length_s == 60.0
    assert reset.counts_since == 43.0


def test_before_two_turns_the_least_length_that_fits_is_taken() -> None:
    window = QuotaWindow(0.0)
    shut(window, 10.0, 33.0)
    window.reopened(35.0)
    assert window.length_s == 30.0


def test_a_moment_of_refusals_is_no_window() -> None:
    window = QuotaWindow(0.0)
    shut(window, 10.0, 10.3)
    assert not window.reopened(10.4).is_telling
    assert window.length_s is None


def test_a_window_that_closes_again_right_after_its_turn_is_settling() -> None:
    window = QuotaWindow(0.0)
    shut(window, 20.0, 59.5)
    window.reopened(60.5)
    shut(window, 62.0, 62.1)
    assert window.reopened(63.0).is_settling


def test_a_learned_length_that_was_too_short_is_given_up() -> None:
    window = QuotaWindow(0.0, length_s=10.0)
    shut(window, 20.0, 41.0)
    window.reopened(43.0)
    shut(window, 70.0, 100.0)
    window.reopened(103.1)
    assert window.length_s == 60.0


@given(st.lists(st.tuples(st.floats(0.01, 100.0), st.floats(0.0, 100.0), st.floats(0.0, 50.0)), max_size=20))
def test_whatever_it_sees_it_opens_again_and_knows_natural_lengths_only(
    spans: list[tuple[float, float, float]],
) -> None:
    window, now = QuotaWindow(0.0), 0.0
    for open_s, closed_s, more_s in spans:
        now += open_s
        shut(window, now, now + closed_s)
        now += closed_s + more_s
        reset = window.reopened(now)
        assert not window.is_closed
        assert reset.length_s > 0.0
        assert window.length_s is None or window.length_s in NATURAL_WINDOWS_S
