import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.rate_control import DEFAULT_RATE_POLICY, RateController, RatePolicy

POLICY = RatePolicy(verify_s=0.0, verify_successes=4, refused_target=0.1, longest_hold_s=1e6, longest_verify_s=1e6)


def successes_until_a_step(controller: RateController) -> int:
    count = 1
    while not controller.succeeded(100.0, sent_at=99.0):
        count += 1
    return count


def test_a_rate_is_verified_before_the_next_step() -> None:
    controller = RateController(POLICY, 10.0)
    assert successes_until_a_step(controller) == 4
    assert controller.rate_per_s == pytest.approx(10.03)


def test_steps_double_while_nothing_is_refused() -> None:
    controller = RateController(POLICY, 10.0)
    rates = [10.0]
    for _ in range(9):
        successes_until_a_step(controller)
        controller.restart(0.0)
        rates.append(controller.rate_per_s)
    growth = [later / earlier - 1.0 for earlier, later in itertools.pairwise(rates)]
    assert growth[3] == pytest.approx(8 * 0.003)
    assert growth[-1] == pytest.approx(POLICY.largest_step)


def test_a_refusal_costs_successes() -> None:
    controller = RateController(POLICY, 10.0)
    controller.add_refusal_debt()
    controller.add_refusal_debt()
    assert successes_until_a_step(controller) == 20


def test_a_pause_costs_the_successes_that_fit_its_target() -> None:
    controller = RateController(POLICY, 10.0)
    controller.add_pause_debt(0.1)
    assert successes_until_a_step(controller) == 100


def test_a_wide_gap_is_halved_and_only_part_of_the_debt_is_due() -> None:
    controller = RateController(POLICY, 10.0, refused_per_s=20.0)
    controller.add_pause_debt(1.0)
    assert successes_until_a_step(controller) == 30
    assert controller.rate_per_s == pytest.approx(15.0)


def test_successes_of_an_earlier_rate_do_not_count() -> None:
    controller = RateController(POLICY, 10.0)
    controller.restart(50.0)
    assert not any(controller.succeeded(60.0, sent_at=49.0) for _ in range(100))


def test_a_cut_goes_to_the_average_accepted_rate() -> None:
    controller = RateController(POLICY, 12.0)
    controller.cut(1.0, refused_per_s=12.0, average_per_s=10.0)
    assert controller.rate_per_s == pytest.approx(9.9)
    assert controller.refused_per_s == 12.0


def test_a_cut_without_an_average_is_deep_but_bounded() -> None:
    controller = RateController(POLICY, 12.0)
    controller.cut(1.0, refused_per_s=12.0, average_per_s=0.0)
    assert controller.rate_per_s == pytest.approx(12.0 * 0.5 * 0.99)


def test_a_cut_falls_back_to_the_rate_that_held() -> None:
    controller = RateController(POLICY, 10.0, refused_per_s=20.0)
    successes_until_a_step(controller)
    controller.cut(200.0, refused_per_s=15.0, average_per_s=3.0)
    assert controller.rate_per_s == pytest.approx(9.9)


def test_a_second_cut_in_a_row_moves_the_refused_rate_only_half_the_way() -> None:
    controller = RateController(POLICY, 20.0)
    controller.cut(1.0, refused_per_s=20.0, average_per_s=15.0)
    controller.cut(2.0, refused_per_s=14.0, average_per_s=0.0)
    assert controller.refused_per_s == pytest.approx(17.0)


def test_above_the_refused_rate_the_limit_is_unknown_again() -> None:
    controller = RateController(POLICY, 10.0, refused_per_s=9.0)
    successes_until_a_step(controller)
    assert controller.refused_per_s == math.inf


def test_a_known_limit_is_kept_with_a_margin() -> None:
    controller = RateController(POLICY, 30.0)
    controller.set_limit(1.0, 20.0)
    assert controller.rate_per_s == pytest.approx(19.8)
    assert controller.gap == pytest.approx(20.4 / 19.8 - 1.0)


@given(st.lists(st.sampled_from(["step", "cut", "cut_to", "lower", "back_off", "set_limit", "grow"]), max_size=300))
def test_the_rate_stays_within_its_bounds(moves: list[str]) -> None:
    controller = RateController(DEFAULT_RATE_POLICY, 5.0)
    for now, move in enumerate(moves):
        match move:
            case "step":
                for _ in range(2000):
                    controller.succeeded(float(now), sent_at=float(now))
            case "cut":
                controller.cut(float(now), refused_per_s=controller.rate_per_s, average_per_s=0.0)
            case "cut_to":
                controller.cut_to(float(now), 0.25, refused_per_s=controller.rate_per_s)
            case "lower":
                controller.lower(float(now), controller.rate_per_s * 0.1)
            case "back_off":
                controller.back_off(
                    float(now), refused_per_s=controller.rate_per_s, window_per_s=controller.rate_per_s * 0.7
                )
            case "set_limit":
                controller.set_limit(float(now), controller.rate_per_s * 1.5)
            case _:
                controller.grow(float(now), 100.0)
        assert DEFAULT_RATE_POLICY.floor_per_s <= controller.rate_per_s <= DEFAULT_RATE_POLICY.ceiling_per_s


def test_cuts_in_a_row_go_deeper() -> None:
    controller = RateController(POLICY, 100.0)
    successes_until_a_step(controller)  # 100 held
    rates = []
    for _ in range(4):
        controller.cut(200.0, refused_per_s=100.0, average_per_s=0.0)
        rates.append(controller.rate_per_s)
    depths = [1.0 - later / earlier for earlier, later in itertools.pairwise([100.0, *rates])]
    assert depths == pytest.approx([1.0 - 0.99 * (1.0 - depth) for depth in (0.0, 0.02, 0.06, 0.14)])


def test_a_learned_rate_starts_below_it_and_owes_four_refusals() -> None:
    controller = RateController.from_learned(POLICY, 100.0)
    assert controller.rate_per_s == pytest.approx(98.0)
    assert controller.refused_per_s == pytest.approx(102.0)
    assert controller.is_holding
    assert successes_until_a_step(controller) == pytest.approx(40 * 0.03 / (102 / 98 - 1), abs=1)


@pytest.mark.parametrize(
    ("window_per_s", "expected"),
    [(None, 20.0), (15.0, 15.0 * 0.99), (9.0, 20.0 * 0.99), (25.0, 20.0 * 0.99)],
    ids=["just reset", "lower", "not believable", "higher"],
)
def test_backing_off_goes_to_what_the_window_allows(window_per_s: float | None, expected: float) -> None:
    controller = RateController(POLICY, 20.0)
    controller.back_off(1.0, refused_per_s=20.0, window_per_s=window_per_s)
    assert controller.rate_per_s == pytest.approx(expected)
    assert controller.cuts == 1


def test_a_cut_to_a_share_keeps_nothing_that_was_thought_to_hold() -> None:
    controller = RateController(POLICY, 20.0)
    successes_until_a_step(controller)
    controller.cut_to(1.0, 0.25, refused_per_s=20.0)
    assert controller.rate_per_s == pytest.approx(20.06 * 0.25)
    assert controller.refused_per_s == 20.0


def test_lowering_never_raises_the_rate() -> None:
    controller = RateController(POLICY, 20.0)
    controller.lower(1.0, 30.0)
    assert controller.rate_per_s == 20.0
    controller.lower(1.0, 2.0)
    assert (controller.rate_per_s, controller.refused_per_s) == (2.0, 20.0)


def test_a_measured_limit_that_is_coarse_leaves_room_up_to_what_was_refused() -> None:
    controller = RateController(POLICY, 40.0)
    controller.set_limit(1.0, 20.0, refused_per_s=40.0)
    assert controller.rate_per_s == pytest.approx(19.8)
    assert controller.refused_per_s == 40.0


def test_what_was_verified_in_haste_does_not_outlive_a_measurement() -> None:
    controller = RateController(DEFAULT_RATE_POLICY, 100.0)
    while not controller.succeeded(1.0, sent_at=1.0, is_quick=True):
        pass
    controller.set_limit(2.0, 50.0)
    controller.cut(3.0, refused_per_s=49.5, average_per_s=0.0)
    assert controller.rate_per_s <= 49.5


def test_a_rate_is_verified_quickly_until_the_limit_was_measured() -> None:
    controller = RateController(DEFAULT_RATE_POLICY, 100.0)
    controller.add_refusal_debt()
    assert [controller.succeeded(1.0, sent_at=1.0, is_quick=True) for _ in range(25)] == [False] * 24 + [True]
    slow = RateController(DEFAULT_RATE_POLICY, 1.0)
    assert [slow.succeeded(1.0, sent_at=1.0, is_quick=True) for _ in range(4)] == [False] * 3 + [True]


def test_an_announced_limit_is_never_exceeded() -> None:
    controller = RateController(POLICY, 20.0)
    controller.cap(1.0, 10.0)
    assert controller.rate_per_s == pytest.approx(9.9)
    controller.grow(2.0, 100.0)
    assert controller.rate_per_s == pytest.approx(9.9)


def test_an_announced_limit_that_is_repeated_does_not_restart_the_verification() -> None:
    controller = RateController(POLICY, 10.0)
    controller.cap(1.0, 50.0)
    for _ in range(3):
        controller.succeeded(2.0, sent_at=1.5)
    controller.cap(2.0, 50.0)
    assert controller.succeeded(2.0, sent_at=1.5)


def test_debt_holds_the_rate_for_two_minutes_at_most() -> None:
    controller = RateController(DEFAULT_RATE_POLICY, 10.0)
    controller.add_pause_debt(3600.0)
    assert successes_until_a_step(controller) == 120 * 10


def test_a_rate_is_verified_for_two_seconds_and_eight_successes() -> None:
    assert successes_until_a_step(RateController(DEFAULT_RATE_POLICY, 100.0)) == 200
    assert successes_until_a_step(RateController(DEFAULT_RATE_POLICY, 1.0)) == 8
    assert successes_until_a_step(RateController(DEFAULT_RATE_POLICY, 0.1)) == 3  # what 30 s bring


def test_a_rate_of_a_few_a_minute_rises_by_a_quarter() -> None:
    controller = RateController(DEFAULT_RATE_POLICY, 0.1)
    successes_until_a_step(controller)
    assert controller.rate_per_s == pytest.approx(0.125)


def test_without_a_gap_step_a_wide_gap_is_crossed_in_small_steps() -> None:
    controller = RateController(replace(POLICY, gap_step=0.0), 10.0, refused_per_s=20.0)
    successes_until_a_step(controller)
    assert controller.rate_per_s == pytest.approx(10.03)


@given(st.floats(0.02, 1000.0), st.floats(1.0, 4.0), st.floats(0.0, 2.0))
def test_a_cut_lowers_the_rate_but_never_below_half(rate: float, refused_share: float, average_share: float) -> None:
    controller = RateController(DEFAULT_RATE_POLICY, rate)
    controller.cut(1.0, refused_per_s=rate * refused_share, average_per_s=rate * average_share)
    lowest = max(rate * 0.5 * 0.99, DEFAULT_RATE_POLICY.floor_per_s)
    assert lowest - 1e-9 <= controller.rate_per_s <= max(rate * 0.99, DEFAULT_RATE_POLICY.floor_per_s) + 1e-9
