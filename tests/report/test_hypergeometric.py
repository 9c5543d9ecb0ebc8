"""The tail of the hypergeometric distribution: equal to exact arithmetic, and finite where floats end."""

from math import comb, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.hypergeometric import log_tail_probability, tail_probability


@st.composite
def urns(draw: st.DrawFn) -> tuple[int, int, int, int]:
    total = draw(st.integers(1, 120))
    return draw(st.integers(0, 130)), draw(st.integers(0, total)), draw(st.integers(0, total)), total


@given(urns())
def test_it_is_what_counting_says(urn: tuple[int, int, int, int]) -> None:
    k, draws, marked, total = urn
    ways = sum(comb(marked, i) * comb(total - marked, draws - i) for i in range(k, draws + 1))
    expected = ways / comb(total, draws)
    assert tail_probability(k, draws=draws, marked=marked, total=total) == pytest.approx(expected, rel=1e-9)


def test_its_logarithm_tells_chances_apart_that_are_too_small_for_a_float() -> None:
    all_of_500 = log_tail_probability(500, draws=500, marked=500, total=10_000)
    assert all_of_500 == pytest.approx(-log(comb(10_000, 500)), rel=1e-9)
    assert all_of_500 < log_tail_probability(499, draws=500, marked=500, total=10_000) < -700
    assert tail_probability(500, draws=500, marked=500, total=10_000) == 0.0


def test_more_than_there_are_is_impossible_and_none_is_certain() -> None:
    assert log_tail_probability(6, draws=5, marked=10, total=20) == -inf
    assert log_tail_probability(0, draws=5, marked=10, total=20) == 0.0
