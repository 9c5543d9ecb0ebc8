"""A JSON document with slots: what is the same at all points is encoded once."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from batchrun.sweep.render.context import PointContext

__all__ = ["Render", "Segment", "Slot", "StringTemplate", "encode", "encode_inner", "json_segments", "merge_constants"]

Render = Callable[[PointContext], bytes]
Segment = bytes | Render
"""A part of the encoded document: fixed bytes, or a function that makes them for each point."""

# As identity.canonical_json encodes: the template must give the bytes that the payload's model would.
_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that is rendered at each point."""

    render: Render


@dataclass(frozen=True, slots=True)
class StringTemplate:
    """A string of which some parts are rendered at each point; the segments are escaped already."""

    segments: tuple[Segment, ...]


def json_segments(node: Any) -> Iterator[Segment]:
    """A document as canonical JSON: keys sorted, nulls left out, no blanks."""
    match node:
        case dict():
            yield b"{"
            kept = [(key, value) for key, value in sorted(node.items()) if value is not None]
            for number, (key, value) in enumerate(kept):
                yield (b"," if number else b"") + encode(key) + b":"
                yield from json_segments(value)
            yield b"}"
        case list():
            yield b"["
            for number, value in enumerate(node):
                yield b"," if number else b""
                yield from json_segments(value)
            yield b"]"
        case StringTemplate():
            yield b'"'
            yield from node.segments
            yield b'"'
        case Slot():
            yield node.render
        case _:
            yield encode(node)


def merge_constants(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same document with neighboring constants joined: every segment costs time at every point."""
    constant = b""
    for segment in segments:
        if isinstance(segment, bytes):
            constant += segment
            continue
        if constant:
            yield constant
        constant = b""
        yield segment
    yield constant


def encode(value: Any) -> bytes:
    return _encode(value).encode()


def encode_inner(text: str) -> bytes:
    """A text as it appears between the quotes of a JSON string."""
    return encode(text)[1:-1]
