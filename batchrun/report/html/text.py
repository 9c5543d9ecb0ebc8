"""Text from outside, made inert and short before it reaches the page."""

import re

__all__ = ["clipped", "inert"]

MAX_CHARS = 300
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, C0 and C1
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff"  # invisible, reordering the line, or none at all
    "\ud800-\udfff"  # lone surrogates: they cannot be encoded
    "\U000e0000-\U000e007f]"  # tags: text that nobody sees
)


def inert(text: str) -> str:
    """The text with characters that cannot be seen, or that move others, shown as escapes; tabs and newlines are blanks.

    Escaping for HTML is the template's business.
    """
    return _UNSAFE.sub(_shown, text) if not text.isascii() or not text.isprintable() else text


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code in {0x09, 0x0A, 0x0D}:
        return " "
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - \x takes two digits


def clipped(text: str, limit: int = MAX_CHARS) -> str:
    """The inert text, its middle left out where it is longer than ``limit``: names differ at both ends."""
    if len(text) > limit:
        head = (limit - 1) * 2 // 3
        text = f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
    shown = inert(text)
    return shown if len(shown) <= limit * 2 else shown[: limit * 2] + "…"
