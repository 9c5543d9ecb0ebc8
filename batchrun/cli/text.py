"""Text that is safe to print: nothing in it can move a cursor, colour a terminal or show the API key."""

import os
import re
from collections.abc import Mapping

__all__ = ["duration", "inert", "masked", "numbered", "one_line"]

MASK = "********"
LONG_KEY = 8
"""A key this long is masked wherever it stands; a shorter one only as a word of its own, for it may be part of any other."""

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline; both carry escape codes
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\u2028\u2029\ud800-\udfff]"  # line breaks in disguise, and halves of characters
)


def inert(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with control characters written out as escapes, and without the API key."""
    return masked(_UNSAFE.sub(_written_out, text), environ)


def one_line(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The same on one line."""
    return inert(text, environ).replace("\t", " ").replace("\n", "\\n")


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text without the API key."""
    key = environ.get("WHEROBOTS_API_KEY", "").strip()
    if not key:
        return text
    if len(key) >= LONG_KEY:
        return text.replace(key, MASK)
    return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", MASK, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - what \x can say


def numbered(count: int, noun: str) -> str:
    """A count with its noun: ``1 run``, ``2,000 runs``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth matters
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
