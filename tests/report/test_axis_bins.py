"""Axes of recorded points: values in order, ranges where there are many, and every run in one of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.axis_bins import MAX_BINS, Axis, binned_axes
from batchrun.report.axis_values import MISSING

scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e6, 1e6) | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=2)
points = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values | st.dictionaries(st.just("f"), scalars)))


def axis(*values: Any, max_bins: int = MAX_BINS) -> Axis:
    (found,) = binned_axes([{"axis": value} for value in values], max_bins=max_bins)
    return found


@given(points, st.integers(2, MAX_BINS))
def test_bins_cover_the_values_once_and_every_run_is_in_one(rows: list[dict[str, Any]], max_bins: int) -> None:
    for one in binned_axes(rows, max_bins=max_bins):
        assert len(one.bins) <= max_bins
        covered = [number for part in one.bins for number in range(part.first, part.last + 1)]
        assert covered == list(range(len(one.values)))
        for row, value, place in zip(rows, one.value_of, one.bin_of, strict=True):
            if not row:
                assert (value, place) == (len(one.values), len(one.bins))
            else:
                assert one.bins[place].first <= value <= one.bins[place].last


@given(st.lists(st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_numbers_are_in_their_order(numbers: list[float]) -> None:
    shown = [float(text) for text in axis(*numbers).values]
    assert shown == sorted(set(numbers))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (("large", "small", "medium"), ("large", "small", "medium")),  # as in the plan
        ((10, 9, 9.5), ("9", "9.5", "10")),
        ((True, False, True), ("false", "true")),
        (("2024-02-01", "2023-12-01"), ("2023-12-01", "2024-02-01")),
        (("2024-01-01T00:30:00+02:00", "2023-12-31T23:00:00Z"), ("2024-01-01T00:30:00+02:00", "2023-12-31T23:00:00Z")),
        ((1, "1", True, None), ("true", "1", "1", "null")),  # kinds are not mixed
        (([2], [1]), ("[1]", "[2]")),
    ],
)
def test_values_are_in_the_order_of_their_kind(given: tuple[Any, ...], shown: tuple[str, ...]) -> None:
    assert axis(*given).values == shown


def test_one_and_true_are_two_values_and_one_and_one_point_oh_are_one() -> None:
    assert axis(1, True, 1.0).values == ("true", "1")


def test_many_values_become_ranges_of_equally_many() -> None:
    found = axis(*(f"t{number}" for number in range(100, 0, -1)))
    assert found.is_binned
    assert [one.size for one in found.bins] == [5] * MAX_BINS
    assert found.bins[0].label == "t1 … t5"  # sorted as a person would
    assert found.bins[-1].label == "t96 … t100"


def test_fields_of_a_record_are_axes_and_a_missing_value_is_the_last() -> None:
    site, year = binned_axes([{"site": {"id": "nyc"}, "year": 2024}, {"site": {"id": "lax"}}, {}])
    assert (site.name, site.values) == ("site.id", ("nyc", "lax"))
    assert (year.name, year.values) == ("year", ("2024", MISSING))
    assert list(year.bin_of) == [0, 1, 2]  # the last run has no point at all


def test_an_empty_text_has_a_label_that_can_be_seen() -> None:
    (axis,) = binned_axes([{"a": ""}, {"a": "x"}])
    assert [one.label for one in axis.bins] == ['""', "x"]
