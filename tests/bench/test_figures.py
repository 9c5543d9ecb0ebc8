"""Percentiles and histograms, against their definitions."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.bench.figures import PERCENTILES, Figures, Latency, histogram

SECONDS = st.lists(st.floats(1e-6, 1e4), min_size=1, max_size=300)


def test_percentiles_of_a_thousand_even_steps() -> None:
    latency = Latency.of(number / 1000 for number in range(1, 1001))
    assert latency is not None
    assert dict(zip(PERCENTILES, latency.percentiles_s, strict=True)) == {50: 0.5, 90: 0.9, 99: 0.99, 99.9: 0.999}
    assert (latency.count, latency.max_s) == (1000, 1.0)
    assert latency.mean_s == pytest.approx(0.5005)
    assert latency.json() == {
        "count": 1000, "mean": 500.5, "p50": 500.0, "p90": 900.0, "p99": 990.0, "p99.9": 999.0, "max": 1000.0
    }  # fmt: skip


def test_no_times_have_no_latency_and_no_histogram() -> None:
    assert Latency.of([]) is None
    assert histogram([]) == ()


@given(SECONDS)
def test_so_many_percent_do_not_exceed_a_percentile_and_fewer_stay_below_it(seconds: list[float]) -> None:
    latency = Latency.of(seconds)
    assert latency is not None
    for percent, value in zip(PERCENTILES, latency.percentiles_s, strict=True):
        wanted = Fraction(str(percent)) / 100 * len(seconds)
        assert sum(one <= value for one in seconds) >= wanted
        assert sum(one < value for one in seconds) < wanted


@given(SECONDS)
def test_every_time_is_in_the_one_bin_that_holds_it(seconds: list[float]) -> None:
    bins = histogram(seconds)
    assert [one.count for one in bins] == [sum(one.low_s <= value < one.high_s for value in seconds) for one in bins]
    assert sum(one.count for one in bins) == len(seconds)
    assert bins[0].count
    assert bins[-1].count
    assert all(here.high_s == there.low_s for here, there in pairwise(bins))


def test_a_time_of_nothing_is_in_the_first_bin() -> None:
    assert sum(one.count for one in histogram([0.0, 0.001])) == 2


def test_figures_of_a_batch_that_never_began_divide_nothing_by_nothing() -> None:
    figures = Figures(
        runs=5, submitted=0, attempts=0, retries=0, settled=0, refused={}, limit_per_s=None, plan_s=0.0, submit_s=0.0, cpu_s=0.0, peak_bytes=0,
        run=None, response=None, bins=(),
    )  # fmt: skip
    assert (figures.runs_per_s, figures.cpu_per_run_s) == (0.0, 0.0)
    assert all(not isinstance(value, float) or math.isfinite(value) for value in figures.json().values())
