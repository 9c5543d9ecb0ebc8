from typing import Any

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.points.includes import included
from batchrun.sweep.values import Kind
from tests.sweep.conftest import reported


def axes() -> list[Axis]:
    site = Axis("site", Kind.RECORD, [{"id": "nyc", "res": 10}])
    site.field_kinds = {"id": Kind.STRING, "res": Kind.NUMBER}
    return [Axis("year", Kind.NUMBER, range(2021, 2024)), site]


NYC = {"id": "nyc", "res": 10}
SEA = {"id": "sea", "res": 30}


def test_known_values_keep_their_position_and_new_ones_are_appended() -> None:
    year, site = axes()
    points = included([{"year": [2022.0, 2030], "site": SEA}, {"site": NYC, "year": 2030}], [year, site], 9, Problems())
    assert points == [(1, 1), (3, 1), (3, 0)]
    assert (list(year.values), year.size) == ([2021, 2022, 2023, 2030], 3)
    assert (list(site.values), site.size) == ([NYC, SEA], 1)


def test_without_includes_a_range_stays_a_range() -> None:
    year, site = axes()
    assert included([], [year, site], 9, Problems()) == []
    assert year.values == range(2021, 2024)


@pytest.mark.parametrize(
    ("table", "messages"),
    [
        ({"site": NYC}, ["include #1: no value for axis 'year'"]),
        (
            {"site": NYC, "year": 1, "yaer": 2, "country": 3},
            [
                "include #1: unknown axis 'yaer'; did you mean 'year'?",
                "include #1: unknown axis 'country'; use one of: year, site",
            ],
        ),
        ({"site": NYC, "year": []}, ["include #1: year: an empty list adds no point; list one or more values"]),
        ({"site": NYC, "year": "1"}, ['include #1: year: "1" is not a number; the axis holds numbers']),
        ({"site": {"id": "a"}, "year": 1}, ["include #1: site: the fields are not id, res; set each of them"]),
        ({"site": NYC, "year": [1, 1.0]}, ["include #1: it adds the same point twice; remove one"]),
    ],
)
def test_a_point_that_is_not_whole_is_reported(table: dict[str, Any], messages: list[str]) -> None:
    problems = Problems()
    included([table], axes(), 9, problems)
    assert reported(problems) == messages


def test_without_axes_the_message_says_so() -> None:
    problems = Problems()
    included([{"country": 1}], [], 9, problems)
    assert "include #1: unknown axis 'country'; the sweep has no axes" in reported(problems)


def test_too_many_are_refused_before_they_are_made() -> None:
    many = list(range(10**4))
    with pytest.raises(ManifestError, match=r"400,000,000 points, over max_points = 9"):
        included([{"year": many, "site": [NYC, SEA] * 10**4}] * 2, axes(), 9, Problems())
