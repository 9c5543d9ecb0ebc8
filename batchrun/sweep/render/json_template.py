"""A JSON document with gaps: what is the same for all points is encoded once."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from batchrun.sweep.render.names import PointContext

__all__ = ["Gap", "Leaf", "Segment", "Text", "inner", "json_bytes", "merged", "segments_of"]

Gap = Callable[[PointContext], bytes]
Segment = bytes | Gap

_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of the payload that is made for each point."""

    make: Gap


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON string in pieces that are escaped already."""

    pieces: tuple[Segment, ...]


def segments_of(node: Any) -> Iterator[Segment]:
    """A document as canonical JSON in pieces: keys sorted, nulls left out."""
    match node:
        case dict():
            yield b"{"
            kept = [(key, value) for key, value in sorted(node.items()) if value is not None]
            for number, (key, value) in enumerate(kept):
                yield (b"," if number else b"") + json_bytes(key) + b":"
                yield from segments_of(value)
            yield b"}"
        case list():
            yield b"["
            for number, value in enumerate(node):
                yield b"," if number else b""
                yield from segments_of(value)
            yield b"]"
        case Text():
            yield b'"'
            yield from node.pieces
            yield b'"'
        case Leaf():
            yield node.make
        case _:
            yield json_bytes(node)


def merged(segments: Iterator[Segment]) -> Iterator[Segment]:
    """Constant neighbours as one."""
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


def json_bytes(value: Any) -> bytes:
    return _encode(value).encode()


def inner(text: str) -> bytes:
    """A text as it stands inside a JSON string."""
    return json_bytes(text)[1:-1]
