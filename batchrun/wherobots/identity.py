"""Canonical JSON of a payload, the key of a planned run, and the comparison of two payloads."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from batchrun.wherobots.payload import CreateRunPayload

__all__ = [
    "PayloadDifference",
    "canonical_json",
    "is_same_payload",
    "payload_differences",
    "payload_json",
    "run_key",
]

KEY_HEX_DIGITS = 16  # 64 bits: a plan of a million runs has a collision with probability 3e-8

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no whitespace, in UTF-8: equal values give equal bytes."""
    return _canonical(value).encode()


def payload_json(payload: CreateRunPayload) -> bytes:
    """The canonical JSON of a payload, without null fields. These bytes are also the request body."""
    return canonical_json(payload.model_dump(mode="json", by_alias=True, exclude_none=True))


def run_key(region: str, body: bytes) -> str:
    """A planned run's identity: 16 hex digits of SHA-256 over region and canonical payload."""
    return sha256(region.encode() + b"\n" + body).hexdigest()[:KEY_HEX_DIGITS]


def is_same_payload(sent: bytes, answered: dict[str, Any]) -> bool:
    """Whether a run's payload, as the service returns it, is the one that was sent.

    The service may fill in what was left out, leave out what was empty and add fields of its own, so only what was
    sent is compared. ``<env.NAME>`` in what was sent matches any text: the environment may have changed since. The
    placeholder of a local file matches wherever its content was uploaded to.
    """
    return next(payload_differences(sent, answered), None) is None


@dataclass(frozen=True, slots=True)
class PayloadDifference:
    """A place where a payload, as the service returns it, is not what was sent."""

    path: str
    """Such as ``runPython.args[3]``; empty for the whole payload."""
    sent: Any
    answered: Any


def payload_differences(sent: bytes, answered: dict[str, Any]) -> Iterator[PayloadDifference]:
    """Where the two differ, by the rules of `is_same_payload`; nothing if the service's payload is the one that was sent."""
    return _differences(json.loads(sent), answered, "")


_UPLOAD = re.compile(r"upload:[^\x00]*#([0-9a-f]{16})[0-9a-f]{48}")
"""A local file, whose path in storage has the first digits of its hash as a segment."""
_PLACEHOLDER = re.compile(r"<env\.[A-Za-z_][A-Za-z0-9_]*>")


def _differences(sent: Any, answered: Any, path: str) -> Iterator[PayloadDifference]:  # noqa: ANN401 - any JSON value
    if not sent and answered is None:  # sent as null or empty, omitted in the answer
        return
    if isinstance(sent, dict) and isinstance(answered, dict):
        for key, value in sent.items():
            yield from _differences(value, answered.get(key), f"{path}.{key}" if path else key)
    elif isinstance(sent, list) and isinstance(answered, list) and len(sent) == len(answered):
        for n, (one, other) in enumerate(zip(sent, answered, strict=True)):  # order matters: arguments are positional
            yield from _differences(one, other, f"{path}[{n}]")
    elif not _is_same_value(sent, answered):
        yield PayloadDifference(path, sent, answered)


def _is_same_value(sent: Any, answered: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(sent, str) and isinstance(answered, str) and (upload := _UPLOAD.fullmatch(sent)):
        return sent == answered or f"/{upload[1]}/" in answered
    if isinstance(sent, str) and isinstance(answered, str) and "<env." in sent:
        return sent == answered or _matches(_PLACEHOLDER.split(sent), answered)
    return bool(sent == answered)


def _matches(pieces: list[str], text: str) -> bool:
    """Whether a text consists of the pieces in their order, with anything between them. Linear: the text is not ours."""
    first, *middle, last = pieces
    if len(pieces) == 1:
        return first == text
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
