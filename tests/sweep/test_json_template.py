import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.render.context import PointContext
from batchrun.sweep.render.json_template import (
    Segment,
    Slot,
    StringTemplate,
    encode,
    encode_inner,
    json_segments,
    merge_constants,
)
from batchrun.wherobots.identity import canonical_json

CONTEXT = PointContext((0,), 7, "5f3a9c1e00")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
DOCUMENTS = st.recursive(
    st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner | st.none(), max_size=4),
    max_leaves=12,
)


def rendered(document: Any) -> bytes:
    segments = merge_constants(json_segments(document))
    return b"".join(part if isinstance(part, bytes) else part(CONTEXT) for part in segments)


def without_nulls(document: Any) -> Any:
    match document:
        case dict():
            return {key: without_nulls(value) for key, value in document.items() if value is not None}
        case list():
            return [without_nulls(value) for value in document]
        case _:
            return document


def with_slots(document: Any) -> Any:
    """The same document with every leaf made when it is rendered, and strings in two parts."""
    match document:
        case dict():
            return {key: with_slots(value) for key, value in document.items()}
        case list():
            return [with_slots(value) for value in document]
        case str():
            half = len(document) // 2
            return StringTemplate((encode_inner(document[:half]), lambda _: encode_inner(document[half:])))
        case None:
            return None
        case _:
            return Slot(lambda _: encode(document))


@given(DOCUMENTS)
def test_a_document_is_canonical_json_without_nulls(document: Any) -> None:
    assert rendered(document) == canonical_json(without_nulls(document))


@given(DOCUMENTS)
def test_slots_change_nothing_in_the_bytes(document: Any) -> None:
    assert rendered(with_slots(document)) == rendered(document)


def test_a_slot_is_given_the_point() -> None:
    document = {"b": Slot(lambda context: encode(context.index)), "a": [StringTemplate((b"x", lambda _: b"y"))]}
    assert rendered(document) == b'{"a":["xy"],"b":7}'


def test_neighbouring_constants_become_one() -> None:
    def slot(context: PointContext) -> bytes:
        return encode(context.hash)

    segments: list[Segment] = [b"{", b'"a":', slot, slot, b"", b"}", b"\n"]
    assert list(merge_constants(segments)) == [b'{"a":', slot, slot, b"}\n"]


@given(TEXTS)
def test_a_text_within_quotes_is_read_back(text: str) -> None:
    assert json.loads(b'"' + encode_inner(text) + b'"') == text
