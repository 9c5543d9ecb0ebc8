"""SVG elements as text: numbers short, strings escaped."""

from collections.abc import Iterable

from markupsafe import Markup, escape

from batchrun.report.html.text import clipped, inert

__all__ = ["TEXT_PX", "element", "fitted", "joined", "number", "picture", "text_width"]

TEXT_PX = 12
"""The size of text in every picture."""
_USUAL, _CAPITAL, _WIDE = 0.64, 0.72, 1.0
"""Widths of characters in units of the text size: on the wide side for sans-serif faces, so that labels fit."""
_IDEOGRAPHS = "\u2e80"
"""From here on most characters are as wide as high: Chinese, Japanese, Korean, emoji."""


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(tag: str, content: str | Markup = "", /, **attributes: str | float | None) -> Markup:
    """One element; ``class_`` is written ``class``, underscores are hyphens, an attribute that is None is left out.

    Content that is not Markup is clipped, made inert and escaped.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if not content:
        return Markup(f"<{tag}{given}/>")  # noqa: S704 - every part is escaped
    inner = content if isinstance(content, Markup) else escape(clipped(content))
    return Markup(f"<{tag}{given}>{inner}</{tag}>")  # noqa: S704 - likewise


def _attribute(value: str | float) -> Markup:
    return escape(inert(value)) if isinstance(value, str) else Markup(number(value))  # noqa: S704 - digits


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def picture(
    content: Iterable[Markup], *, width: float, height: float, title: str, description: str = "", **data: str | float
) -> Markup:
    """A whole picture with its title and description for screen readers; ``data_…`` attributes are for the script."""
    head = [element("title", title)]
    if description:
        head.append(element("desc", description))
    size = f"0 0 {number(width)} {number(height)}"
    return element(
        "svg", joined([*head, *content]), viewBox=size, width=width, height=height, role="img",
        aria_label=clipped(f"{title}. {description}" if description else title), **data,
    )  # fmt: skip


def text_width(text: str) -> float:
    """About how wide a label is, in pixels. The page's script has the same rule."""
    return sum(map(_advance, inert(text))) * TEXT_PX


def _advance(character: str) -> float:
    if character >= _IDEOGRAPHS or character in "mwMW@%":
        return _WIDE
    return _CAPITAL if character != character.lower() else _USUAL


def fitted(text: str, width: float) -> str:
    """The label, its middle left out where it would be wider than ``width`` pixels."""
    label = inert(text)
    limit = min(len(label), max(3, int(width / (_USUAL * TEXT_PX))))
    while limit > 3 and text_width(clipped(label, limit)) > width:  # noqa: PLR2004 - a character at each end
        limit -= 1
    return clipped(label, limit)
