"""A payload's canonical JSON, a planned run's key, and the question whether two payloads ask for the same run."""

import json
from hashlib import sha256
from typing import Any

from batchrun.wherobots.payload import CreateRunPayload

__all__ = ["canonical_json", "is_same_payload", "payload_json", "run_key"]

KEY_HEX_DIGITS = 16

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no white space, in UTF-8: equal values give equal bytes."""
    return _canonical(value).encode()


def payload_json(payload: CreateRunPayload) -> bytes:
    """The canonical JSON of a payload; it is also the body that is sent. Fields that are null are left out."""
    return canonical_json(payload.model_dump(mode="json", by_alias=True, exclude_none=True))


def run_key(region: str, body: bytes) -> str:
    """A planned run's identity: 16 hex digits of SHA-256 over region and canonical payload."""
    return sha256(region.encode() + b"\n" + body).hexdigest()[:KEY_HEX_DIGITS]


def is_same_payload(sent: bytes, answered: dict[str, Any]) -> bool:
    """Whether the payload that a run answers is the one that was sent.

    The service may fill in what was left out, leave out what was empty and add fields of its own, so only what was
    sent is compared.
    """
    return _covers(json.loads(sent), answered)


def _covers(sent: Any, answered: Any) -> bool:  # noqa: ANN401 - any JSON value
    if not sent and answered is None:
        return True
    if isinstance(sent, dict):
        return isinstance(answered, dict) and all(_covers(value, answered.get(key)) for key, value in sent.items())
    if isinstance(sent, list):
        return (
            isinstance(answered, list)
            and len(sent) == len(answered)
            and all(_covers(one, other) for one, other in zip(sent, answered, strict=True))
        )
    return bool(sent == answered)
