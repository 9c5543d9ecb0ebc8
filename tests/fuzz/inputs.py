"""Inputs as an enemy, a proxy or a bad disk would make them: valid ones with something wrong in them."""

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

__all__ = ["KEY", "documents", "fuzzed", "mangled", "texts", "values"]

KEY = "wbk-0123456789abcdef"
"""The secret that no result may contain."""

_ODD_TEXTS = (
    "",
    KEY,
    f"quoted {KEY} here",
    "\x1b[2J\x1b]0;title\x07",
    "\u202ereversed\u202c\u200b\U000e0041",
    "a" * 5000,
    "\x00",
    "../../etc/passwd",
    "=1+1",
    "2026-11-25T18:46:09Z",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00+23:59",
    "{{x}}",
    "1e400",
    "NaN",
)
_FRAGMENTS = (
    b'"',
    b"\\",
    b"\n",
    b"\r\n",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"{",
    b"}",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"NaN",
    b"1e999",
    b"-0",
    b"9" * 400,
    b"null",
    b"\x1b[31m",
    b",,",
    b"\xef\xbb\xbf",
    KEY.encode(),
)
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from((2**63, -(2**63) - 1, 10**30, 0, -1)),
    st.floats(allow_nan=False, allow_infinity=False),
)


def texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(_ODD_TEXTS), st.text(st.characters(codec="utf-8"), max_size=30))


def values() -> st.SearchStrategy[Any]:
    """Any JSON value."""
    scalars = st.one_of(st.none(), st.booleans(), NUMBERS, texts())
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(), inner, max_size=4), max_leaves=8
    )


@st.composite
def documents(draw: st.DrawFn, *valid: Any) -> Any:
    """A valid JSON document in which some values are replaced, removed or added."""
    document = json.loads(json.dumps(draw(st.sampled_from(valid))))
    for _ in range(draw(st.integers(0, 3))):
        document = _changed(draw, document)
    return document


def _changed(draw: st.DrawFn, node: Any) -> Any:
    """The same document with one change somewhere below ``node``."""
    inner = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    if not inner or draw(st.integers(0, 5)) == 0:
        return draw(values())
    place = draw(st.sampled_from(list(inner)))
    action = draw(st.sampled_from(("below", "below", "below", "remove", "add")))
    if action == "below":
        node[place] = _changed(draw, node[place])
    elif action == "remove":
        del node[place]
    elif isinstance(node, dict):
        node[draw(texts())] = draw(values())
    else:
        node.append(draw(values()))
    return node


@st.composite
def mangled(draw: st.DrawFn, *valid: bytes) -> bytes:
    """Valid bytes, cut, doubled and with odd pieces put in; sometimes bytes without any sense."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        action = draw(st.sampled_from(("insert", "remove", "replace", "double", "cut")))
        piece = draw(st.one_of(st.sampled_from(_FRAGMENTS), st.binary(max_size=6)))
        if action == "insert":
            data = data[:start] + piece + data[start:]
        elif action == "remove":
            data = data[:start] + data[start + length :]
        elif action == "replace":
            data = data[:start] + piece + data[start + max(1, len(piece)) :]
        elif action == "double":
            data = data[: start + length] + data[start:]
        else:
            data = data[:start]
    return data


EXAMPLES = int(os.environ.get("BATCHRUN_FUZZ_EXAMPLES", "25"))
"""Inputs for each reader: few with the other tests, many with ``make fuzz``."""


def fuzzed(
    *strategies: st.SearchStrategy[Any], share: float = 1.0
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with many inputs; ``share`` of them where each takes long."""
    few = settings(max_examples=max(1, int(EXAMPLES * share)), deadline=None, suppress_health_check=list(HealthCheck))
    return lambda test: few(given(*strategies)(test))
