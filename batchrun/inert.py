"""Make external text safe to show: control, reordering and invisible characters become escapes."""

import re

__all__ = ["UNSEEN", "inert", "inert_json"]

UNSEEN = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters (C0, C1) except tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional overrides, which can reorder what is shown
    "\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # line separators, lone surrogates, and no characters at all
    # What is not shown at all: two names may look the same, and text may hide in text.
    "\u00ad\u034f\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # without the variation selector of emoji, U+FE0F
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""A regular expression of one such character."""
_UNSAFE = re.compile(UNSEEN)
_LARGEST = {2: 0xFF, 4: 0xFFFF}
"""The largest code for each number of digits."""


def inert(text: str) -> str:
    """The text with escapes in place of characters that nobody sees, or that act on a terminal; tabs and newlines stay."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def inert_json(text: str) -> str:
    """JSON with the same meaning, in which such characters are written as JSON's own escapes."""
    return text if text.isascii() else _UNSAFE.sub(_json_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= _LARGEST[2]:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LARGEST[4] else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
