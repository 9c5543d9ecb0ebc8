import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.render.naming import slug
from tests.sweep.conftest import Complainer, Planner, sweep

AXIS = '[axes]\na = ["Zürich, CH", "a/b"]\n'


@given(st.text(), st.text())
def test_a_value_becomes_valid_characters_and_single_dashes(before: str, after: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]*", slug(before + after))
    assert slug(slug(before)) == slug(before)
    assert "--" not in slug(before.replace("-", ""))


def test_only_values_are_slugged(planned: Planner) -> None:
    names = [run.name for run in planned(sweep(AXIS, name="run--of.{{a}}", args='["{{a}}"]'))]
    assert names == ["run--of.Z-rich-CH", "run--of.a-b"]


@pytest.mark.parametrize(("name", "length"), [("a{{b}}", 8), ("{{b}}{{c}}", 255)])
def test_the_shortest_and_the_longest_name_pass(name: str, length: int, planned: Planner) -> None:
    text = sweep(f'[vars]\nb = "{"b" * 7}"\nc = "{"c" * 248}"\n', name=name)
    assert [len(run.name) for run in planned(text)] == [length]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", "run.name: 'short' has 5 characters; use 8 or more"),
        ("n" * 256, f"run.name: '{'n' * 40}…' has 256 characters; use at most 255"),
        (
            "Zürich-2024",
            "run.name: 'Zürich-2024' has characters other than letters, digits, _ . and -; fix the template",
        ),
        ("by-{{env.USER}}", "run.name: env.USER in a run's name; a name must not depend on who submits"),
    ],
)
def test_a_name_that_cannot_be_used_is_reported(name: str, message: str, complaints: Complainer) -> None:
    assert complaints(sweep("", name=name)) == [message]


def test_an_index_in_a_name_earns_a_warning(planned: Planner) -> None:
    (warning,) = planned(sweep("", name="numbered-{{ index }}")).warnings
    assert warning.text() == (
        "run.name: it contains {{index}}, which changes when the sweep is edited; "
        "name runs by their axes, or by {{hash}}"
    )
