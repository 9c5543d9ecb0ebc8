"""Make external text inert and short before it reaches the page."""

import re

from batchrun.inert import inert as escaped

__all__ = ["clipped", "inert"]

MAX_CHARS = 300
_BLANKS = re.compile("[\t\n\r]")


def inert(text: str) -> str:
    """The text with characters that cannot be seen, or that move others, shown as escapes; tabs and newlines are blanks.

    Escaping for HTML is the template's business.
    """
    return escaped(_BLANKS.sub(" ", text))


def clipped(text: str, limit: int = MAX_CHARS) -> str:
    """The inert text, its middle left out where it is longer than ``limit``: names differ at both ends."""
    if len(text) > limit:
        head = (limit - 1) * 2 // 3
        text = f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
    shown = inert(text)
    # Each escape is several characters long, so a text of nothing else would grow well beyond the limit.
    return shown if len(shown) <= limit * 2 else shown[: limit * 2] + "…"
