import itertools
import math

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


def test_a_refusal_is_paid_for_in_successes() -> None:
    controller = RateController(POLICY, 10.0)
    controller.add_refusal_debt()
    controller.add_refusal_debt()
    assert successes_until_a_step(controller) == 20


def test_a_pause_is_paid_for_by_the_work_that_it_cost() -> None:
    controller = RateController(POLICY, 10.0)
    controller.add_pause_debt(0.1)
    assert successes_until_a_step(controller) == 100


def test_a_wide_gap_is_narrowed_by_halves_and_sooner() -> None:
    controller = RateController(POLICY, 10.0, refused_per_s=20.0)
    controller.add_pause_debt(1.0)
    assert successes_until_a_step(controller) == 30
    assert controller.rate_per_s == pytest.approx(15.0)


def test_successes_of_an_earlier_rate_do_not_count() -> None:
    controller = RateController(POLICY, 10.0)
    controller.restart(50.0)
    assert not any(controller.succeeded(60.0, sent_at=49.0) for _ in range(100))


def test_a_cut_goes_to_what_was_let_in_on_average() -> None:
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


def test_a_second_refusal_in_a_row_moves_the_refused_rate_half_the_way() -> None:
    controller = RateController(POLICY, 20.0)
    controller.cut(1.0, refused_per_s=20.0, average_per_s=15.0)
    controller.cut(2.0, refused_per_s=14.0, average_per_s=0.0)
    assert controller.refused_per_s == pytest.approx(17.0)


def test_once_above_what_was_refused_the_limit_is_unknown_again() -> None:
    controller = RateController(POLICY, 10.0, refused_per_s=9.0)
    successes_until_a_step(controller)
    assert controller.refused_per_s == math.inf


def test_a_known_limit_is_kept_with_a_margin() -> None:
    controller = RateController(POLICY, 30.0)
    controller.set_limit(1.0, 20.0)
    assert controller.rate_per_s == pytest.approx(19.8)
    assert controller.gap == pytest.approx(20.4 / 19.8 - 1.0)


@given(st.lists(st.sampled_from(["step", "cut", "halve", "yield", "settle", "grow"]), max_size=300))
def test_the_rate_stays_within_its_bounds(moves: list[str]) -> None:
    controller = RateController(DEFAULT_RATE_POLICY, 5.0)
    for now, move in enumerate(moves):
        match move:
            case "step":
                for _ in range(2000):
                    controller.succeeded(float(now), sent_at=float(now))
            case "cut":
                controller.cut(float(now), refused_per_s=controller.rate_per_s, average_per_s=0.0)
            case "halve":
                controller.halve(float(now), refused_per_s=controller.rate_per_s)
            case "yield":
                controller.back_off(
                    float(now), refused_per_s=controller.rate_per_s, window_per_s=controller.rate_per_s * 0.7
                )
            case "settle":
                controller.set_limit(float(now), controller.rate_per_s * 1.5)
            case _:
                controller.grow(float(now), 100.0)
        assert DEFAULT_RATE_POLICY.floor_per_s <= controller.rate_per_s <= DEFAULT_RATE_POLICY.ceiling_per_s
