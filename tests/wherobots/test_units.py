"""Spatial units per hour: published maxima, and what the service reports."""

import msgspec
import pytest

from batchrun.wherobots.facts import Hints
from batchrun.wherobots.units import PUBLISHED_UNITS, UnitsPerHour, units_of


def hints(**fields: object) -> Hints:
    return msgspec.convert({"runtimes": {"hint": [{"id": "tiny", **fields}]}}, Hints)


def test_without_the_service_only_the_published_ones_are_known() -> None:
    assert units_of() == units_of(Hints()) == PUBLISHED_UNITS


def test_the_service_knows_better() -> None:
    found = units_of(hints(minimumSpatialUnitsPerHour=2, maximumSpatialUnitsPerHour=4.5))
    assert found == {**PUBLISHED_UNITS, "tiny": UnitsPerHour(2, 4.5)}
    assert PUBLISHED_UNITS["tiny"] == UnitsPerHour(0, 5)


@pytest.mark.parametrize(("low", "high"), [(None, 4), (2, None), (-1, 4), (5, 4)])
def test_a_range_that_cannot_be_is_not_taken(low: float | None, high: float | None) -> None:
    assert units_of(hints(minimumSpatialUnitsPerHour=low, maximumSpatialUnitsPerHour=high)) == PUBLISHED_UNITS
