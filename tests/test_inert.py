"""External text becomes safe to show, and says what it held."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.inert import inert, inert_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\r", r"\x1b[31mred\x0d"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
        ("a\u200bb\u00ad", r"a\u200bb\xad"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("Zürich 東京 \u2764\ufe0f", "Zürich 東京 \u2764\ufe0f"),
    ],
)
def test_what_nobody_sees_or_what_acts_on_a_terminal_is_an_escape(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(st.text())
def test_nothing_is_left_to_escape_and_ordinary_text_stays(text: str) -> None:
    shown = inert(text)
    assert inert(shown) == shown
    assert shown == text or len(shown) > len(text)
    assert all(character in "\t\n" or character >= " " for character in shown)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_keeps_its_meaning(text: str) -> None:
    written = json.dumps([text], ensure_ascii=False)
    assert json.loads(inert_json(written)) == [text]
    assert inert(inert_json(written)) == inert_json(written).replace("\x7f", r"\x7f")


def test_json_has_pairs_of_escapes_for_large_codes() -> None:
    assert inert_json('"\U000e0041\u202e"') == r'"\udb40\udc41\u202e"'
