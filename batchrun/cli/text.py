"""Text that is safe to print: no control sequences for the terminal, and no API key."""

import os
import re
from collections.abc import Mapping

from batchrun.report.wording import duration, numbered

__all__ = ["duration", "masked", "numbered", "one_line", "sanitized"]

MASK = "********"
LONG_KEY = 8
"""From this length on a key is masked even inside a word; a shorter one, such as ``test``, is part of too many other words."""

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters (C0, C1) except tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional overrides, which can reorder what is shown
    "\u2028\u2029\ud800-\udfff]"  # Unicode line separators, and lone surrogates
)


def sanitized(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with control characters shown as escapes, and the API key masked."""
    return masked(_UNSAFE.sub(_escape, text), environ)


def one_line(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sanitized text on one line."""
    return sanitized(text, environ).replace("\t", " ").replace("\n", "\\n")


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with the API key masked."""
    key = environ.get("WHEROBOTS_API_KEY", "").strip()
    if not key:
        return text
    if len(key) >= LONG_KEY:
        return text.replace(key, MASK)
    return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", MASK, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - \x takes two digits
