import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.rate_control import DEFAULT_HOVER, Hover, HoverPolicy

POLICY = HoverPolicy(verify_s=0.0, verify_successes=4, refused_target=0.1, longest_hold_s=1e6, longest_verify_s=1e6)


def successes_until_a_step(hover: Hover) -> int:
    count = 1
    while not hover.succeeded(100.0, sent_at=99.0):
        count += 1
    return count


def test_a_rate_is_verified_before_the_next_step() -> None:
    hover = Hover(POLICY, 10.0)
    assert successes_until_a_step(hover) == 4
    assert hover.rate_per_s == pytest.approx(10.03)


def test_steps_double_while_nothing_is_refused() -> None:
    hover = Hover(POLICY, 10.0)
    rates = [10.0]
    for _ in range(9):
        successes_until_a_step(hover)
        hover.restart(0.0)
        rates.append(hover.rate_per_s)
    growth = [later / earlier - 1.0 for earlier, later in itertools.pairwise(rates)]
    assert growth[3] == pytest.approx(8 * 0.003)
    assert growth[-1] == pytest.approx(POLICY.largest_step)


def test_a_refusal_is_paid_for_in_successes() -> None:
    hover = Hover(POLICY, 10.0)
    hover.owe_refusal()
    hover.owe_refusal()
    assert successes_until_a_step(hover) == 20


def test_a_pause_is_paid_for_by_the_work_that_it_cost() -> None:
    hover = Hover(POLICY, 10.0)
    hover.owe_pause(0.1)
    assert successes_until_a_step(hover) == 100


def test_a_wide_gap_is_narrowed_by_halves_and_sooner() -> None:
    hover = Hover(POLICY, 10.0, refused_per_s=20.0)
    hover.owe_pause(1.0)
    assert successes_until_a_step(hover) == 30
    assert hover.rate_per_s == pytest.approx(15.0)


def test_successes_of_an_earlier_rate_do_not_count() -> None:
    hover = Hover(POLICY, 10.0)
    hover.restart(50.0)
    assert not any(hover.succeeded(60.0, sent_at=49.0) for _ in range(100))


def test_a_cut_goes_to_what_was_let_in_on_average() -> None:
    hover = Hover(POLICY, 12.0)
    hover.cut(1.0, refused_per_s=12.0, average_per_s=10.0)
    assert hover.rate_per_s == pytest.approx(9.9)
    assert hover.refused_per_s == 12.0


def test_a_cut_without_an_average_is_deep_but_bounded() -> None:
    hover = Hover(POLICY, 12.0)
    hover.cut(1.0, refused_per_s=12.0, average_per_s=0.0)
    assert hover.rate_per_s == pytest.approx(12.0 * 0.5 * 0.99)


def test_a_cut_falls_back_to_the_rate_that_held() -> None:
    hover = Hover(POLICY, 10.0, refused_per_s=20.0)
    successes_until_a_step(hover)
    hover.cut(200.0, refused_per_s=15.0, average_per_s=3.0)
    assert hover.rate_per_s == pytest.approx(9.9)


def test_a_second_refusal_in_a_row_moves_the_refused_rate_half_the_way() -> None:
    hover = Hover(POLICY, 20.0)
    hover.cut(1.0, refused_per_s=20.0, average_per_s=15.0)
    hover.cut(2.0, refused_per_s=14.0, average_per_s=0.0)
    assert hover.refused_per_s == pytest.approx(17.0)


def test_once_above_what_was_refused_the_limit_is_unknown_again() -> None:
    hover = Hover(POLICY, 10.0, refused_per_s=9.0)
    successes_until_a_step(hover)
    assert hover.refused_per_s == math.inf


def test_a_known_limit_is_kept_with_a_margin() -> None:
    hover = Hover(POLICY, 30.0)
    hover.settle(1.0, 20.0)
    assert hover.rate_per_s == pytest.approx(19.8)
    assert hover.gap == pytest.approx(20.4 / 19.8 - 1.0)


@given(st.lists(st.sampled_from(["step", "cut", "halve", "yield", "settle", "grow"]), max_size=300))
def test_the_rate_stays_within_its_bounds(moves: list[str]) -> None:
    hover = Hover(DEFAULT_HOVER, 5.0)
    for now, move in enumerate(moves):
        match move:
            case "step":
                for _ in range(2000):
                    hover.succeeded(float(now), sent_at=float(now))
            case "cut":
                hover.cut(float(now), refused_per_s=hover.rate_per_s, average_per_s=0.0)
            case "halve":
                hover.halve(float(now), refused_per_s=hover.rate_per_s)
            case "yield":
                hover.yield_to(float(now), refused_per_s=hover.rate_per_s, window_per_s=hover.rate_per_s * 0.7)
            case "settle":
                hover.settle(float(now), hover.rate_per_s * 1.5)
            case _:
                hover.grow(float(now), 100.0)
        assert DEFAULT_HOVER.floor_per_s <= hover.rate_per_s <= DEFAULT_HOVER.ceiling_per_s
