"""The scales of the style sheet: their lightness is monotone, so that they can be read without colours."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from batchrun.report.html import page
from batchrun.report.html.segments import LABELS, OTHER

CSS = (page.TEMPLATES / "pictures.css").read_text("utf-8")
LIGHT, DARK = CSS.split("@media screen and (prefers-color-scheme: dark)", 1)
DARK = DARK.split("\n}\n}\n", 1)[0] + "\n}"


def levels(text: str, scale: str, kind: str = "l") -> list[str]:
    block = re.search(rf"\.batchrun \.{scale} {{(.*?)}}", text, re.DOTALL)
    assert block
    return [value for _, value in sorted(re.findall(rf"--{kind}(\d): (#\w+);", block[1]))]


def lightness(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((lightness(one), lightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scale", ["f", "d", "m"])
@pytest.mark.parametrize(("text", "direction"), [(LIGHT, -1), (DARK, 1)], ids=["light", "dark"])
def test_a_higher_level_stands_out_more(text: str, direction: int, scale: str) -> None:
    """Darker on white paper, lighter on a dark screen."""
    lights = [lightness(colour) for colour in levels(text, scale)]
    assert len(lights) == 10
    assert all(direction * (later - earlier) > 0 for earlier, later in pairwise(lights))


@pytest.mark.parametrize("scale", ["f", "d", "m"])
@pytest.mark.parametrize("text", [LIGHT, DARK], ids=["light", "dark"])
def test_a_number_can_be_read_on_its_level(text: str, scale: str) -> None:
    pairs = zip(levels(text, scale), levels(text, scale, "k"), strict=True)
    assert min(contrast(colour, ink) for colour, ink in pairs) >= 4.5


@pytest.mark.parametrize("style", sorted({style for style, _ in [*LABELS.values(), OTHER]}))
def test_each_status_has_a_colour_and_a_mark_in_the_page(style: str) -> None:
    report = (page.TEMPLATES / "report.css").read_text("utf-8")
    assert f"--s-{style}:" in CSS
    assert f".s-{style}" in CSS
    assert f".t-{style}," in report
    mark = next(mark for name, mark in [*LABELS.values(), OTHER] if name == style)
    assert f'tr.{style} td:nth-child(2)::before {{ content: "{mark}"; }}' in report


def test_marks_tell_apart_what_is_common() -> None:
    marks = [mark for label, (_, mark) in LABELS.items() if label not in {"rejected", "not created"}]
    assert len(set(marks)) == len(marks)


def test_the_script_is_short() -> None:
    assert Path(page.TEMPLATES / "report.js").read_text("utf-8").count("\n") < 300
