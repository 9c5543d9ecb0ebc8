"""Payloads as a service that normalizes them would return them. Pure: the stored payload stays as it was sent."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings, PayloadRewrite

__all__ = ["rewritten_payload"]

MASK = "****"


def rewritten_payload(payload: bytes, number: int, settings: EmulatorSettings) -> bytes:
    """The payload of run ``number`` as lists and lookups show it.

    Rewrites apply in the order of the settings: a value that is null or empty may be gone when the next one looks for it.
    """
    if not settings.payload_rewrites:
        return payload
    if uniform(settings.seed, "payload_rewrite", number) >= settings.payload_rewrite_rate:
        return payload
    value: dict[str, Any] = json.loads(payload)
    for rewrite in settings.payload_rewrites:
        _REWRITES[rewrite](value, uniform(settings.seed, rewrite, number))
    return json.dumps(value, separators=(",", ":")).encode()


def _mask_argument(payload: dict[str, Any], chance: float) -> None:
    """Mask one argument, as a service does that takes it for a secret."""
    for script in _scripts(payload):
        if arguments := script.get("args"):
            arguments[int(chance * len(arguments))] = MASK


def _sort_lists(payload: dict[str, Any], _: float) -> None:
    for script in _scripts(payload):
        script.get("args", []).sort()
    dependencies: list[Any] = payload.get("environment", {}).get("dependencies", [])
    dependencies.sort(key=lambda dependency: json.dumps(dependency, sort_keys=True))


def _uppercase_runtime(payload: dict[str, Any], _: float) -> None:
    payload["runtime"] = payload["runtime"].upper()


def _drop_empty(payload: dict[str, Any], _: float) -> None:
    """Leave out nulls and empty values, which a client must not mistake for a different payload."""
    for key, value in list(payload.items()):
        if isinstance(value, dict):
            _drop_empty(value, 0.0)
        if value in (None, [], {}):
            del payload[key]


def _scripts(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [payload[kind] for kind in ("runPython", "runJar") if payload.get(kind)]


_REWRITES: Mapping[PayloadRewrite, Callable[[dict[str, Any], float], None]] = {
    "mask_argument": _mask_argument,
    "sort_lists": _sort_lists,
    "uppercase_runtime": _uppercase_runtime,
    "drop_empty": _drop_empty,
}
