"""The README of pacing lists every number of the code, with the value that it has there."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

import batchrun
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH
from batchrun.engine.pacing.search_values import SearchState
from benchmarks.pacing.numbers import MODULES, Number, changed, numbers

README = Path(batchrun.__file__).parent / "engine" / "pacing" / "README.md"
TEXT = README.read_text("utf-8")


def listed(module: str) -> dict[str, float]:
    """The table of one module: name to value."""
    section = TEXT.split(f"### {module}\n", 1)[1].split("\n### ", 1)[0]
    return {
        name: float(Fraction(value))
        for name, value in re.findall(r"^\| `(\w+)` \| ([\d./]+) \|", section, re.MULTILINE)
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_number_is_listed_with_its_value(module: str) -> None:
    values = {number.name: number.value for number in numbers() if number.module == module}
    assert listed(module) == pytest.approx(values)


def test_every_state_is_explained() -> None:
    for state in SearchState:
        assert f"| {state.name} | {state.value} |" in TEXT


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", TEXT)
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_a_number_is_changed_for_a_while() -> None:
    found = {number.name: number for number in numbers()}
    margin, weight = found["margin"], found["_REFUSAL_WEIGHT"]
    with changed(margin, margin.times(2.0)) as policy:
        assert policy.controller.margin == 0.02
    with changed(weight, weight.times(0.5)) as policy:
        assert policy == DEFAULT_SEARCH
        assert value_of(weight) == 0.05
    assert value_of(weight) == 0.1


def value_of(number: Number) -> float:
    return next(other.value for other in numbers() if (other.module, other.name) == (number.module, number.name))


@pytest.mark.parametrize(
    ("value", "half", "twice"),
    [(0.3, 0.15, 0.6), (8, 4, 16), (3, 2, 6), (1.3, 1.15, 1.6), (2.0, 1.0, 4.0)],
    ids=["a quantity", "a count", "an odd count", "a growth factor", "a factor"],
)
def test_half_and_twice_of_a_number(value: float, half: float, twice: float) -> None:
    number = Number(module="any", name="any", value=value)
    assert number.times(0.5) == pytest.approx(half)
    assert number.times(2.0) == pytest.approx(twice)
