"""Elements: numbers are short, text is escaped and inert, and labels fit."""

import pytest
from markupsafe import Markup

from batchrun.report.html.pictures.svg import element, fitted, number, picture, text_width


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.5, "0.5"), (1 / 3, "0.33"), (-0.001, "0"), (1200, "1200"), (-2.5, "-2.5")]
)
def test_a_number_has_no_digits_that_nobody_sees(value: float, text: str) -> None:
    assert number(value) == text


def test_text_and_attributes_are_escaped() -> None:
    assert element("text", '<b>"&', class_='a"b') == '<text class="a&#34;b">&lt;b&gt;&#34;&amp;</text>'
    assert element("text", "a\u202eb\x00") == "<text>a\\u202eb\\x00</text>"
    assert element("g", Markup("<path/>")) == "<g><path/></g>"


def test_attributes_without_a_value_are_left_out() -> None:
    assert element("line", x1=1.5, x2=None, aria_hidden="true") == '<line x1="1.5" aria-hidden="true"/>'


@pytest.mark.parametrize("width", [20, 60, 150])
def test_a_fitted_label_is_not_wider_than_its_room(width: float) -> None:
    for letter in "aAw\u65e5":
        assert text_width(fitted(letter * 100, width)) <= max(width, 3 * text_width(letter))
    assert fitted("ab", width) == "ab"


def test_a_picture_says_what_it_is_to_those_who_cannot_see_it() -> None:
    made = picture([], width=10, height=5, title="<Runs>", description="two")
    assert 'role="img"' in made
    assert 'aria-label="&lt;Runs&gt;. two"' in made
    assert "<title>&lt;Runs&gt;</title><desc>two</desc>" in made
