"""Pairs of axes: cells that add up, and the pair that explains most in the first place."""

import random
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.axis_bins import Axis, binned_axes
from batchrun.report.hypergeometric import log_tail_probability
from batchrun.report.pairs import Facts, Pair, ranked_pairs, ranked_singles, without_twins


def facts(failed: list[bool], *, ended: list[bool] | None = None, ran_s: list[float | None] | None = None) -> Facts:
    nothing: list[float | None] = [None] * len(failed)
    return Facts(ended=ended or [True] * len(failed), failed=failed, ran_s=ran_s or nothing, cost=[2.0] * len(failed))


def named(pair: Pair) -> set[str]:
    return {axis.name for axis in pair.axes}


def grid(**sizes: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{}]
    for name, size in sizes.items():
        rows = [row | {name: i} for row in rows for i in range(size)]
    return rows


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans(), st.booleans()), min_size=1))
def test_cells_add_up_to_all_runs(rows: list[tuple[int, int, bool, bool]]) -> None:
    axes = binned_axes([{"a": a, "b": b} for a, b, _, _ in rows])
    ended = [ended for _, _, ended, _ in rows]
    failed = [ended and failed for _, _, ended, failed in rows]
    for pair in [*ranked_singles(axes, facts(failed, ended=ended)), *ranked_pairs(axes, facts(failed, ended=ended))]:
        cells = pair.cells.values()
        assert sum(cell.runs for cell in cells) == len(rows)
        assert sum(cell.ended for cell in cells) == sum(ended)
        assert sum(cell.failed for cell in cells) == sum(failed)
        assert sum(cell.cost or 0 for cell in cells) == pytest.approx(2.0 * len(rows))
        assert all(cell.failed <= cell.ended <= cell.runs for cell in cells)


def test_the_pair_that_explains_the_failures_comes_first() -> None:
    points = grid(region=4, month=12, res=3, tile=7)
    failed = [point["region"] == 2 and point["month"] >= 8 for point in points]
    pairs = ranked_pairs(binned_axes(points), facts(failed))
    assert len(pairs) == 6
    assert named(pairs[0]) == {"region", "month"}
    assert pairs[0].worst is not None
    cell = pairs[0].cells[pairs[0].worst]
    assert (cell.runs, cell.failed) == (21, 21)


def test_an_axis_of_many_values_does_not_win_by_chance() -> None:
    chance = random.Random(7)
    points = [{"tile": tile, "res": res} for tile in range(5_000) for res in range(4)]
    failed = [chance.random() < (0.12 if point["res"] == 3 else 0.05) for point in points]
    first, second = ranked_singles(binned_axes(points), facts(failed))
    assert first.x.name == "res"
    assert first.log_p < -20
    assert second.log_p > -3  # the best of its twenty ranges is what chance gives


def test_cells_of_a_few_runs_prove_nothing() -> None:
    points = [{"a": number // 4, "b": number % 2} for number in range(40)]
    failed = [point["a"] == 3 for point in points]
    pair = ranked_pairs(binned_axes(points), facts(failed))[0]
    assert pair.worst is None  # two runs each


def test_without_failures_durations_decide() -> None:
    points = grid(region=3, res=3, year=4)
    chance = random.Random(1)
    ran_s = [60.0 * 4 ** point["res"] * chance.uniform(0.9, 1.1) for point in points]
    known = facts([False] * len(points), ran_s=list(ran_s))
    assert ranked_singles(binned_axes(points), known)[0].x.name == "res"
    assert "res" in named(ranked_pairs(binned_axes(points), known)[0])
    assert ranked_singles(binned_axes(points), known)[0].spread == pytest.approx(1, abs=0.01)


def test_fields_that_go_together_make_no_pair() -> None:
    points = [{"site": {"id": f"s{n % 5}", "name": f"Site {n % 5}", "zone": n % 2}, "year": n % 3} for n in range(60)]
    axes = binned_axes(points)
    assert [axis.name for axis in without_twins(axes)] == ["site.id", "site.zone", "year"]
    assert {"site.id", "site.name"} not in map(named, ranked_pairs(axes, facts([False] * 60)))


def test_fields_go_together_also_where_some_runs_have_no_point() -> None:
    points: list[dict[str, Any]] = [{"site": {"id": n % 2, "name": f"Site {n % 2}"}} for n in range(8)] + [{}]
    assert [axis.name for axis in without_twins(binned_axes(points))] == ["site.id"]


def test_runs_without_a_point_are_in_no_cell() -> None:
    points: list[dict[str, Any]] = [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {}]
    for single in ranked_singles(binned_axes(points), facts([False] * 3)):
        assert sum(cell.runs for cell in single.cells.values()) == 2


def test_fewer_bins_go_across() -> None:
    pair = ranked_pairs(binned_axes(grid(month=12, region=4)), facts([False] * 48))[0]
    assert (pair.x.name, pair.y.name if isinstance(pair.y, Axis) else None) == ("region", "month")


def test_the_chance_of_a_cell_counts_once_for_each_cell_that_was_looked_at() -> None:
    points = [{"a": number % 4} for number in range(100)] + [{"a": 9}] * 4  # the last cell is too small to be looked at
    failed = [point["a"] == 1 and number < 40 for number, point in enumerate(points)]
    single = ranked_singles(binned_axes(points), facts(failed))[0]
    expected = log_tail_probability(10, draws=25, marked=10, total=104) + log(4)
    assert single.log_p == pytest.approx(expected)
