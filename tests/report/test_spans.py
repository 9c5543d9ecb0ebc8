"""Durations by value: quantiles are ordered, within the values, and what numpy's default gives."""

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.axis_bins import binned_axes
from batchrun.report.spans import quantiles, spans_by_value

durations = st.lists(st.floats(0, 1e7), min_size=1)


@given(durations)
def test_quantiles_are_ordered_and_within_the_values(values: list[float]) -> None:
    found = quantiles(values)
    assert found is not None
    ordered = [min(values), found.p5, found.p25, found.median, found.p75, found.p95, max(values)]
    assert all(one <= other * (1 + 1e-12) + 1e-12 for one, other in pairwise(ordered))
    assert found.median == pytest.approx(statistics.median(values))


@given(durations.filter(lambda values: len(values) > 1))
def test_quarters_are_those_of_the_standard_library(values: list[float]) -> None:
    found = quantiles(values)
    assert found is not None
    assert [found.p25, found.median, found.p75] == pytest.approx(
        statistics.quantiles(values, n=4, method="inclusive"), abs=1e-6
    )


def test_nothing_has_no_quantiles() -> None:
    assert quantiles([]) is None


def test_each_value_has_its_own_runs() -> None:
    (axis,) = binned_axes([{"res": 10}, {"res": 10}, {"res": 30}, {}])
    fine, coarse = spans_by_value(axis, [1.0, 3.0, None, 99.0], [60.0, None, 20.0, 99.0])
    assert (fine.label, fine.runs) == ("10", 2)
    assert fine.waited is not None
    assert fine.waited.median == 2.0
    assert fine.ran is not None
    assert fine.ran.count == 1
    assert coarse.waited is None
