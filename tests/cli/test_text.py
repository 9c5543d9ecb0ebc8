"""Text from outside can neither move a cursor nor show the key."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.cli.text import duration, masked, numbered, one_line, sanitized

NO_KEY: dict[str, str] = {}


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = one_line(text, NO_KEY)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    assert shown.isprintable() or not text.isprintable()


INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"], exclude_characters=INVISIBLE_LETTERS)))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert sanitized(text, NO_KEY) == text


def test_no_character_that_is_not_shown_is_left() -> None:
    visible_signs = {*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    formats = [
        chr(one) for one in range(0x110000) if unicodedata.category(chr(one)) == "Cf" and one not in visible_signs
    ]
    selectors = [chr(one) for one in (*range(0xFE00, 0xFE0F), *range(0xE0100, 0xE01F0))]
    kept = [hex(ord(one)) for one in (*formats, *selectors, *INVISIBLE_LETTERS) if one in one_line(one, NO_KEY)]
    assert kept == []


def test_emoji_stay() -> None:
    assert sanitized("done ✔\ufe0f", NO_KEY) == "done ✔\ufe0f"


def test_hidden_text_is_written_out() -> None:
    assert one_line("ok\U000e0061\u200bhi\ufeff", NO_KEY) == r"ok\U000e0061\u200bhi\ufeff"


def test_escapes_are_written_out() -> None:
    assert (
        one_line("\x1b[31mred\x1b[0m\r\n\x07\x9b2J\u202eevil", NO_KEY)
        == r"\x1b[31mred\x1b[0m\x0d\n\x07\x9b2J\u202eevil"
    )


def test_half_a_character_is_written_out() -> None:
    assert sanitized("name-\udc80", NO_KEY) == r"name-\udc80"


@pytest.mark.parametrize("around", ["{}", "Bearer {}", "x{}y", "https://host/?key={}"])
def test_a_key_is_masked_wherever_it_appears(around: str) -> None:
    key = "wbk-0123456789"
    assert key not in masked(around.format(key), {"WHEROBOTS_API_KEY": key})


def test_an_escaped_key_and_a_proxy_password_are_masked() -> None:
    environ = {"WHEROBOTS_API_KEY": "wbk-0123456789", "HTTPS_PROXY": "http://me:geheim-word@proxy:1"}
    escaped = "".join(f"\\u{ord(one):04x}" for one in "wbk-0123456789")
    assert masked(f'{{"x": "{escaped}", "p": "geheim-word"}}', environ) == '{"x": "********", "p": "********"}'


def test_a_short_key_is_masked_as_a_word_of_its_own() -> None:
    environ = {"WHEROBOTS_API_KEY": " test\n"}
    assert masked("key test, file /tmp/pytest-1", environ) == "key ********, file /tmp/pytest-1"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_one_is_singular() -> None:
    assert [numbered(count, "run") for count in (0, 1, 2000)] == ["0 runs", "1 run", "2,000 runs"]
