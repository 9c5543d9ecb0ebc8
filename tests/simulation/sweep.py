"""The sweep of a history, which a person edits, and the plans that it makes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from batchrun.engine import batch
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan

__all__ = ["Identity", "Sweep", "identity", "install"]

TEXT = """\
version = 1

[run]
name    = "simulated-{{{{tile}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{{{tile}}}}", "--token", "{{{{env.TOKEN}}}}"]
timeout = "{timeout_s}s"

[axes]
tile = {{ from = {first}, to = {last} }}
"""
"""Names without leading zeros: simulated-1 is a part of simulated-10."""

Identity = tuple[str, int]
"""What the service recognises a planned run by: nothing else of these payloads is part of a key."""


def identity(payload: Mapping[str, Any]) -> Identity:
    return payload["name"], payload["timeoutSeconds"]


@dataclass(slots=True)
class Sweep:
    """The manifest as it is now."""

    points: tuple[int, int]
    timeout_s: int = 3600
    token: str = "a"

    def plan(self) -> Plan:
        return _plan(self.points, self.timeout_s, self.token)

    def keys(self) -> dict[Identity, str]:
        """The key of each planned run."""
        return _keys(self.points, self.timeout_s, self.token)

    def names(self) -> dict[str, str]:
        """The same, by name."""
        return _names(self.points, self.timeout_s, self.token)


@cache
def _plan(points: tuple[int, int], timeout_s: int, token: str) -> Plan:
    first, last = points
    text = TEXT.format(first=first, last=last, timeout_s=timeout_s)
    environ = {"TOKEN": token}
    return build_plan(Manifest.parse(text, name="sim", directory=Path("/"), environ=environ), environ=environ)


@cache
def _keys(points: tuple[int, int], timeout_s: int, token: str) -> dict[Identity, str]:
    return {identity(json.loads(run.body)): run.key for run in _plan(points, timeout_s, token)}


@cache
def _names(points: tuple[int, int], timeout_s: int, token: str) -> dict[str, str]:
    return {name: key for (name, _), key in _keys(points, timeout_s, token).items()}


_earlier: dict[tuple[str, str | None], Plan] = {}


def _build_once(manifest: Manifest, *, environ: Mapping[str, str] | None = None, **options: Any) -> Plan:
    place = manifest.text, None if environ is None else environ.get("TOKEN")
    if place not in _earlier:
        _earlier[place] = build_plan(manifest, environ=environ, **options)
    return _earlier[place]


def install() -> None:
    """Spare the engine building the same plan again and again, when it compares a ledger's plan with today's."""
    batch.build_plan = _build_once  # type: ignore[attr-defined]  # a name that the module imported
