"""Text that is safe to print: no control sequences for the terminal, and no API key."""

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache

from batchrun.inert import inert
from batchrun.redaction import Secrets, credentials_of
from batchrun.report.wording import duration, numbered

__all__ = ["duration", "masked", "numbered", "one_line", "sanitized", "words_of"]


def sanitized(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with characters that act or hide shown as escapes, and the API key masked."""
    return masked(inert(text), environ)


def one_line(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sanitized text on one line."""
    return sanitized(text, environ).replace("\t", " ").replace("\n", "\\n")


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with the API key and proxies' passwords masked, in any escaping."""
    return _secrets(credentials_of(environ)).without_credentials(text)


def words_of(texts: Iterable[str] | None) -> list[str]:
    """The words of an option that takes several, separated by commas or given again."""
    return [word.strip() for text in texts or () for word in text.split(",") if word.strip()]


@lru_cache(maxsize=8)
def _secrets(credentials: tuple[str, ...]) -> Secrets:
    return Secrets(credentials)
