"""The text of a placeholder, with or without a format."""

import re

from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.render.context import PointError
from batchrun.sweep.render.template import Placeholder
from batchrun.sweep.values import Value, as_toml, text_of

__all__ = ["formatted"]

_ABSURD = re.compile(r"\d{5}")
"""A width or precision that would fill the memory: ``{{a:999999999999d}}``."""


def formatted(value: Value, part: Placeholder, at: Cursor) -> str:
    """A value's text, by the placeholder's format if it has one.

    Raises:
        PointError: the format does not fit the value.

    """
    if not part.format:
        return text_of(value)
    try:
        return _format(value, part.format)
    except (ValueError, TypeError):
        fact = f"the format '{part.format}' does not fit {as_toml(value)}"
        raise PointError(at, fact, "use a Python format such as 02d, .3f or %Y%m") from None


def _format(value: Value, spec: str) -> str:
    if _ABSURD.search(spec):
        raise ValueError(spec)
    return format(value, spec)
