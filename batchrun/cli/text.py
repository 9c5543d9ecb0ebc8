"""Text that is safe to print: no control sequences for the terminal, and no API key."""

import os
import re
from collections.abc import Mapping
from functools import lru_cache

from batchrun.redaction import Secrets, credentials_of
from batchrun.report.wording import duration, numbered

__all__ = ["duration", "masked", "numbered", "one_line", "sanitized"]

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters (C0, C1) except tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional overrides, which can reorder what is shown
    "\u2028\u2029\ud800-\udfff"  # Unicode line separators, and lone surrogates
    # What is not shown at all: two names may look the same, and text may hide in text.
    "\u00ad\u034f\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # without the variation selector of emoji, U+FE0F
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def sanitized(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with control characters shown as escapes, and the API key masked."""
    return masked(_UNSAFE.sub(_escape, text), environ)


def one_line(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sanitized text on one line."""
    return sanitized(text, environ).replace("\t", " ").replace("\n", "\\n")


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with the API key and proxies' passwords masked, in any escaping."""
    return _secrets(credentials_of(environ)).without_credentials(text)


@lru_cache(maxsize=8)
def _secrets(credentials: tuple[str, ...]) -> Secrets:
    return Secrets(credentials)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code > 0xFFFF:  # noqa: PLR2004 - \u takes four digits
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - \x takes two digits
