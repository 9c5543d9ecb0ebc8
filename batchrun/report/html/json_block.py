"""Data for the page's script, embedded as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from batchrun.report.html.text import clipped

__all__ = ["json_block"]


def json_block(value: Mapping[str, Any]) -> Markup:
    """JSON that can stand in a script element: without ``<`` nothing in it ends the element or begins another."""
    text = json.dumps(_inert(value), separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704 - without < it cannot end the element


def _inert(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case str():
            return clipped(value)
        case dict():
            return {name: _inert(one) for name, one in value.items()}
        case list():
            return [_inert(one) for one in value]
        case _:
            return value
