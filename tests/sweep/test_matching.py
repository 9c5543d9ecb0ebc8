from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.points.matching import Test, compile_test
from batchrun.sweep.values import Kind
from tests.sweep.conftest import reported

NUMBERS = st.integers(-20, 20) | st.floats(-20, 20)
TESTS = st.recursive(
    NUMBERS | st.lists(NUMBERS, min_size=1, max_size=3) | st.fixed_dictionaries({"from": NUMBERS}),
    lambda inner: inner.map(lambda test: {"not": test}),
    max_leaves=3,
)


def compiled(test: Any, kind: Kind) -> Test:
    problems = Problems()
    found = compile_test(test, kind, problems.at("exclude #1: a"))
    assert found is not None, reported(problems)
    return found


@pytest.mark.parametrize(
    ("test", "kind", "matching", "others"),
    [
        ("us", Kind.STRING, ["us"], ["US", "us-west"]),
        (1, Kind.NUMBER, [1, 1.0], [2]),
        (False, Kind.BOOLEAN, [False], [True]),
        ([1, 2.0], Kind.NUMBER, [1, 2], [3]),
        ({"from": 1}, Kind.NUMBER, [1, 99], [0.99]),
        ({"to": date(2024, 1, 31)}, Kind.DATE, [date(2024, 1, 31)], [date(2024, 2, 1)]),
        ({"from": "a", "to": "b"}, Kind.STRING, ["a", "ab", "b"], ["c"]),
        ({"glob": "us-*"}, Kind.STRING, ["us-", "us-west"], ["US-west", "a-us-west"]),
        ({"glob": "[ab]?"}, Kind.STRING, ["a1", "b2"], ["c1", "a"]),
        ({"not": {"glob": "us-*"}}, Kind.STRING, ["eu"], ["us-west"]),
        ({"not": [1, 2]}, Kind.NUMBER, [3], [1, 2]),
    ],
)
def test_a_test_matches_these_values(test: Any, kind: Kind, matching: list[Any], others: list[Any]) -> None:
    matches = compiled(test, kind)
    assert [value for value in [*matching, *others] if matches(value)] == matching


@given(TESTS, NUMBERS)
def test_not_is_the_opposite(test: Any, value: float) -> None:
    assert compiled({"not": test}, Kind.NUMBER)(value) is not compiled(test, Kind.NUMBER)(value)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_from_and_to_are_both_in(low: float, high: float, value: float) -> None:
    if low <= high:
        assert compiled({"from": low, "to": high}, Kind.NUMBER)(value) == (low <= value <= high)


@pytest.mark.parametrize(
    ("test", "kind", "messages"),
    [
        (
            ["1", True, 3], Kind.NUMBER,
            ["the axis holds numbers, but the test is the string '1'", "the axis holds numbers, but the test is the boolean true"],
        ),
        ({"from": 1, "to": "b"}, Kind.STRING, ["the axis holds strings, but the test is the number 1"]),
        ([], Kind.NUMBER, ["an empty list matches nothing; list one or more values"]),
        ({"from": 3, "to": 1}, Kind.NUMBER, ["from = 3 is greater than to = 1; swap them"]),
        (
            {"glob": "1*"}, Kind.NUMBER,
            ["the axis holds numbers, but a glob is for strings; use a value, a list or { from, to }"],
        ),
        ({"glob": 1}, Kind.STRING, ["{glob = 1} is not a test; use a value, a list, { from, to }, { glob } or { not }"]),
        ({}, Kind.STRING, ["{} is not a test; use a value, a list, { from, to }, { glob } or { not }"]),
        ({"id": 1}, Kind.RECORD, ["{id = 1} is not a test; use a value, a list, { from, to }, { glob } or { not }"]),
    ],
)  # fmt: skip
def test_a_test_that_does_not_fit_is_reported(test: Any, kind: Kind, messages: list[str]) -> None:
    problems = Problems()
    assert compile_test(test, kind, problems.at("")) is None
    assert reported(problems) == messages
