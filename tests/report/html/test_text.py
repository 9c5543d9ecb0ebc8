"""Text from outside: inert, bounded, and as it was where it is harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.html.text import clipped, inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
        ("مرحبا ☃ é", "مرحبا ☃ é"),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(st.text())
def test_inert_text_can_be_encoded_and_stays_as_it_is(text: str) -> None:
    shown = inert(text)
    shown.encode()
    assert inert(shown) == shown


def test_long_text_loses_its_middle() -> None:
    text = clipped("begin" + "x" * 1_000 + "the end", 30)
    assert len(text) == 30
    assert text.startswith("begin")
    assert text.endswith("the end")


@given(st.text(), st.integers(3, 50))
def test_nothing_is_longer_than_twice_its_limit(text: str, limit: int) -> None:
    assert len(clipped(text, limit)) <= 2 * limit + 1
