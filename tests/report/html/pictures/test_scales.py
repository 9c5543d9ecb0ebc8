"""Scales are monotone, stay within their levels, and put their ticks at round places."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.html.pictures.scales import (
    LEVELS,
    count_ticks,
    range_of,
    share_level,
    time_label,
    time_ticks,
)

amounts = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(st.floats(0, 1), min_size=2))
def test_levels_of_shares_grow_with_the_share(shares: list[float]) -> None:
    levels = [share_level(share) for share in sorted(shares)]
    assert levels == sorted(levels)
    assert all(0 <= level < LEVELS for level in levels)


@pytest.mark.parametrize(("share", "level"), [(0, 0), (0.001, 1), (0.5, 5), (0.99, 9), (1, 9)])
def test_only_nothing_has_the_level_of_nothing(share: float, level: int) -> None:
    assert share_level(share) == level


@given(st.lists(amounts, min_size=1))
def test_levels_of_a_range_grow_with_the_value(values: list[float]) -> None:
    scale = range_of(values)
    levels = [scale.level(value) for value in sorted(values)]
    assert levels == sorted(levels)
    assert all(0 <= level < LEVELS for level in levels)
    assert all(0 <= scale.share(value) <= 1 for value in values)


def test_values_that_hardly_differ_do_not_look_like_opposites() -> None:
    scale = range_of([100, 102])
    assert scale.level(102) - scale.level(100) <= 1


def test_a_wide_range_is_logarithmic() -> None:
    scale = range_of([1, 10, 100])
    assert scale.is_logarithmic
    assert scale.share(10) == pytest.approx(0.5)
    assert not range_of([0, 100]).is_logarithmic  # zero has no logarithm


@given(st.integers(0, 10**7), st.integers(2, 6))
def test_count_ticks_are_few_and_within(most: int, at_most: int) -> None:
    ticks = count_ticks(most, at_most=at_most)
    assert ticks[0] == 0
    assert ticks[-1] <= most
    assert len(ticks) <= at_most + 1
    assert len({later - earlier for earlier, later in pairwise(ticks)}) <= 1


@given(st.floats(0, 2e9), st.floats(0, 1e8))
def test_time_ticks_are_few_and_within(begin_s: float, span_s: float) -> None:
    ticks = time_ticks(begin_s, begin_s + span_s)
    assert len(ticks) <= 10
    assert all(begin_s - 1e-6 <= tick <= begin_s + span_s + 1e-6 for tick in ticks)


def test_a_tick_shows_the_date_where_it_changes() -> None:
    morning = 1_795_507_200.0
    assert time_label(morning, before_s=None) == "Nov 24, 08:00"
    assert time_label(morning + 900, before_s=morning) == "08:15"
    assert time_label(morning + 86_400, before_s=morning) == "Nov 25, 08:00"
    assert time_label(morning + 1, before_s=morning) == "08:00:01"
