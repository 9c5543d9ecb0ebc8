import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.quota_window import NATURAL_WINDOWS_S, AcceptedCount, QuotaWindow, RefusalStreaks


def close(window: QuotaWindow, since: float, until: float) -> None:
    """Closed from ``since``, with a probe refused just before ``until``."""
    window.close(since, since=since, feedback_s=0.05)
    window.known_closed(until)


def test_streaks_follow_the_order_of_sending_whatever_the_order_of_responses() -> None:
    streaks = RefusalStreaks()
    assert [streaks.add(number) for number in (5, 9, 7, 6, 8)] == [1, 1, 1, 3, 5]


@given(st.permutations(range(12)))
def test_the_last_refusal_of_a_streak_sees_all_of_it(numbers: list[int]) -> None:
    streaks = RefusalStreaks()
    assert [streaks.add(number) for number in numbers][-1] == 12


def test_counts_are_by_the_time_of_sending_even_if_responses_overtake_each_other() -> None:
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


def test_the_gaps_between_probes_grow_up_to_a_maximum() -> None:
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


def test_a_probe_is_due_when_a_window_of_a_natural_length_would_reset() -> None:
    window = QuotaWindow(100.0)
    window.close(140.0, since=140.0, feedback_s=0.05)
    probes = []
    while window.probe_at < 165.0:
        probes.append(window.probe_at)
        window.probed(window.probe_at)
    assert 160.05 in probes


def test_two_resets_give_the_length() -> None:
    window = QuotaWindow(0.0)
    close(window, 20.0, 41.0)
    assert window.reopened(43.0).closed_for_s == pytest.approx(21.0)
    close(window, 70.0, 100.0)
    reset = window.reopened(103.1)
    assert window.length_s == 60.0
    assert reset.counts_since == 43.0


def test_before_two_resets_the_shortest_length_that_fits_is_assumed() -> None:
    window = QuotaWindow(0.0)
    close(window, 10.0, 33.0)
    window.reopened(35.0)
    assert window.length_s == 30.0


def test_a_moment_of_refusals_is_not_a_window() -> None:
    window = QuotaWindow(0.0)
    close(window, 10.0, 10.3)
    assert not window.reopened(10.4).is_conclusive
    assert window.length_s is None


def test_a_window_that_closes_again_right_after_its_reset_is_settling() -> None:
    window = QuotaWindow(0.0)
    close(window, 20.0, 59.5)
    window.reopened(60.5)
    close(window, 62.0, 62.1)
    assert window.reopened(63.0).is_settling


def test_a_learned_length_that_was_too_short_is_corrected() -> None:
    window = QuotaWindow(0.0, length_s=10.0)
    close(window, 20.0, 41.0)
    window.reopened(43.0)
    close(window, 70.0, 100.0)
    window.reopened(103.1)
    assert window.length_s == 60.0


@given(st.lists(st.tuples(st.floats(0.01, 100.0), st.floats(0.0, 100.0), st.floats(0.0, 50.0)), max_size=20))
def test_any_history_ends_open_and_with_a_natural_length_or_none(
    spans: list[tuple[float, float, float]],
) -> None:
    window, now = QuotaWindow(0.0), 0.0
    for open_s, closed_s, more_s in spans:
        now += open_s
        close(window, now, now + closed_s)
        now += closed_s + more_s
        reset = window.reopened(now)
        assert not window.is_closed
        assert reset.length_s > 0.0
        assert window.length_s is None or window.length_s in NATURAL_WINDOWS_S


def test_a_bin_that_is_cut_counts_in_part() -> None:
    count = AcceptedCount()
    for _ in range(4):
        count.add(7.0)
    assert count.since(7.025) == pytest.approx(3.0)


def test_two_hours_are_remembered() -> None:
    count = AcceptedCount()
    for sent_at in (0.0, 1.0, 7200.5):
        count.add(sent_at)
    assert count.since(-1.0) == 2


def test_streaks_are_forgotten_when_there_are_too_many() -> None:
    streaks = RefusalStreaks()
    for number in range(0, 2 * 4096, 2):
        streaks.add(number)
    assert streaks.add(9000) == 1
    assert streaks.add(1) == 1  # 0 and 2 were refused as well


@pytest.mark.parametrize(
    ("feedback_s", "length_s", "gap_s"),
    [(0.05, None, 0.3), (0.4, None, 0.8), (0.05, 300.0, 5.0), (4.0, 300.0, 8.0)],
    ids=["at least 0.3 s", "two response times", "a sixtieth of the length", "the longest of them"],
)
def test_the_first_gap(feedback_s: float, length_s: float | None, gap_s: float) -> None:
    window = QuotaWindow(0.0, length_s=length_s)
    window.close(5000.0, since=5000.0, feedback_s=feedback_s)
    assert window.probe_at == pytest.approx(5000.0 + gap_s)


def test_a_probe_at_a_possible_reset_waits_for_a_quarter_of_the_gap() -> None:
    early, late = QuotaWindow(0.0), QuotaWindow(0.0)
    early.close(59.99, since=59.99, feedback_s=0.05)
    late.close(59.96, since=59.96, feedback_s=0.05)
    assert early.probe_at == pytest.approx(60.29)
    assert late.probe_at == pytest.approx(60.05)


def test_a_window_that_is_closed_for_a_minute_gets_sixteen_probes() -> None:
    window, probes = QuotaWindow(0.0), 0
    window.close(0.0, since=0.0, feedback_s=0.05)
    while window.probe_at < 60.0:
        window.probed(window.probe_at)
        probes += 1
    assert probes == 16


def test_a_reset_that_is_dated_well_gives_the_length_of_a_sliding_window() -> None:
    window = QuotaWindow(0.0)
    close(window, 20.0, 59.9)
    window.reopened(60.1)
    assert window.length_s == 60.0


def test_a_reset_that_is_dated_loosely_does_not() -> None:
    window = QuotaWindow(0.0)
    close(window, 20.0, 45.0)
    window.reopened(60.1)
    assert window.length_s == 30.0  # only the shortest that fits 25 closed seconds


def test_resets_that_an_idle_batch_missed_do_not_lengthen_the_window() -> None:
    window = QuotaWindow(0.0)
    close(window, 8.0, 9.9)
    window.reopened(10.1)
    close(window, 1808.0, 1809.9)
    window.reopened(1810.1)
    assert window.length_s == 10.0


def test_what_was_accepted_before_a_reset_is_not_counted_again() -> None:
    window = QuotaWindow(0.0, length_s=60.0)
    close(window, 20.0, 59.0)
    assert window.reopened(60.0).counts_since == pytest.approx(0.0)
    close(window, 80.0, 119.0)
    assert window.reopened(120.0).counts_since == pytest.approx(60.0)


def test_a_reset_too_soon_after_the_last_one_is_that_of_a_sliding_window() -> None:
    window = QuotaWindow(0.0, length_s=60.0)
    close(window, 20.0, 59.0)
    window.reopened(60.0)
    close(window, 80.0, 99.0)
    assert window.reopened(100.0).counts_since == pytest.approx(20.0)
