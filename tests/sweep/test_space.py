"""Which points there are, counted after each step."""

import pytest

from batchrun.sweep.manifest.manifest import Overrides
from batchrun.sweep.plan import Plan
from tests.sweep.conftest import Complainer, Planner, arguments, sweep

AXES = '[axes]\nregion = ["us", "eu"]\nyear = { from = 2021, to = 2024 }\n'
ARGS = '["{{region}}", "{{year}}"]'


def steps(plan: Plan) -> list[tuple[str, int]]:
    return [(step.name, step.count) for step in plan.steps]


def points(plan: Plan) -> list[str]:
    return ["-".join(args) for args in arguments(plan)]


def test_each_step_says_how_many_are_left(planned: Planner) -> None:
    exclude = '[[exclude]]\nregion = "us"\nyear = [2021, 2022]\n'
    rest = f'{exclude}[[include]]\nregion = "us"\nyear = 2021\n[sample]\ncount = 1\nseed = 1\n'
    plan = planned(sweep(AXES + rest, args=ARGS), Overrides(where=("year=2021",)))
    assert steps(plan) == [("product", 8), ("exclude", 6), ("include", 7), ("where", 2), ("sample", 1)]


def test_includes_come_last_and_may_bring_back_what_was_excluded(planned: Planner) -> None:
    rules = '[[exclude]]\nregion = "us"\n[[include]]\nregion = "us"\nyear = 2022\n'
    assert points(planned(sweep(AXES + rules, args=ARGS))) == ["eu-2021", "eu-2022", "eu-2023", "eu-2024", "us-2022"]


def test_where_several_rules_hit_one_point_each_counts_it_and_it_goes_once(planned: Planner) -> None:
    plan = planned(sweep(AXES + '[[exclude]]\nregion = "us"\n[[exclude]]\nyear = 2021\n', args=ARGS))
    assert [(hit.rule, hit.points) for hit in plan.hits] == [("exclude #1", 4), ("exclude #2", 2)]
    assert steps(plan) == [("product", 8), ("exclude", 3)]


def test_a_sample_keeps_the_order_and_its_seed_decides(planned: Planner) -> None:
    everything = points(planned(sweep(AXES, args=ARGS)))

    def sampled(count: int, seed: int) -> list[str]:
        return points(planned(sweep(AXES + f"[sample]\ncount = {count}\nseed = {seed}\n", args=ARGS)))

    assert sampled(8, 1) == everything
    picks = {seed: sampled(4, seed) for seed in range(4)}
    assert all(one == [point for point in everything if point in one] for one in picks.values())
    assert len({tuple(one) for one in picks.values()}) > 1
    assert set(sampled(3, 1)) < set(picks[1])


@pytest.mark.parametrize(
    ("rest", "overrides", "message"),
    [
        ("[[exclude]]\nyear = 2030\n", None, "exclude #1: matches no point"),
        (
            '[[include]]\nregion = "eu"\nyear = 2021\n',
            None,
            'include: point 1, {region = "eu", year = 2021}, is already in the sweep',
        ),
        ("[sample]\ncount = 9\nseed = 1\n", None, "sample.count: 9 of 8 points; use 8 or less"),
        ("[submit]\nmax_points = 7\n", None, "region(2) × year(4) = 8 points, over max_points = 7"),
        (
            '[submit]\nmax_points = 8\n[[include]]\nregion = "us"\nyear = 2030\n',
            None,
            "+ include(1) = 9 points, over max_points = 8",
        ),
        ("", Overrides(where=("year=2030",)), "--where year=2030: matches no point; 'year' has 2021, 2022, 2023, 2024"),
        ("", Overrides(where=("year=2021", "year=2022")), "--where: no point is left"),
    ],
)
def test_what_selects_nothing_or_too_much_is_refused(
    complaints: Complainer, rest: str, overrides: Overrides | None, message: str
) -> None:
    (found,) = complaints(sweep(AXES + rest, args=ARGS), overrides)
    assert message in found
