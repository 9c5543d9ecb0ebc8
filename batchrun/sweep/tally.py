"""Totals from one pass over the runs of a plan."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import takewhile
from typing import Any

from batchrun.sweep.local_file import LocalFile, UploadPlan, placeholders_in
from batchrun.sweep.render.json_template import encode_inner
from batchrun.sweep.runs import PlannedRun

__all__ = ["Demand", "Script", "Tally", "Total", "script_in"]

KEPT_SCRIPTS = 1_000
"""Scripts that are counted: each point may have one of its own, and nobody reads a list of more."""
LOCAL = "upload:"
"""What the URI of a local file begins with until it is uploaded."""
KEPT_RUNS = 100_000
"""A plan of up to this many runs (about 70 MB) stays in memory; a larger one is rendered again on each iteration."""


@dataclass(frozen=True, slots=True)
class Total:
    """How many runs go to a region with a runtime."""

    region: str
    runtime: str
    runs: int


@dataclass(frozen=True, slots=True)
class Demand:
    """How many runs a region gets with a runtime and a timeout: what an estimate is made from."""

    region: str
    runtime: str
    timeout_s: int
    runs: int


@dataclass(frozen=True, slots=True)
class Script:
    """How many runs execute a script or a jar. An environment value in its URI appears as ``<env.NAME>``."""

    uri: str
    runs: int


_SCRIPT = re.compile(rb'"run(?:Python|Jar)":\{.*?"uri":"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
"""In canonical JSON the quotes of a string's content are escaped, so that these keys cannot be part of an argument."""


def script_in(body: bytes) -> bytes:
    """The URI of the script or jar in a payload's canonical JSON, as it is written there; empty if there is none."""
    found = _SCRIPT.search(body)
    return found[1] if found is not None else b""


@dataclass(slots=True)
class Tally:
    """What one pass over all runs adds up to."""

    digest: Any = field(default_factory=sha256)
    runs: int = 0
    first_name: str = ""
    last_name: str = ""
    """The least and the greatest name: what these two begin with, all names begin with."""
    kept: list[PlannedRun] | None = field(default_factory=list)
    """The runs themselves, unless there are too many."""
    _name_hashes: set[int] = field(default_factory=set)
    _demands: dict[tuple[str, str, int], int] = field(default_factory=dict)
    _uploads: dict[bytes, dict[str, int]] = field(default_factory=dict)
    """Runs by region, for each placeholder of a local file."""
    _scripts: dict[bytes, int] = field(default_factory=dict)
    """Runs by the URI of their script, which may hold ``<env.NAME>``."""

    def add(self, run: PlannedRun, runtime: str, timeout_s: int) -> bool:
        """Count a run; False if its name may be taken.

        Hashes take less memory than names. Two of them are equal by chance in one of 37 million plans of a million runs,
        so the caller compares the names themselves.
        """
        self.runs += 1
        if self.kept is not None:
            self.kept.append(run)
            if self.runs > KEPT_RUNS:
                self.kept = None
        # Nothing else: another rate or a comment makes no other plan, so a batch continues with it.
        self.digest.update(run.key.encode() + run.name.encode() + b"\n")
        demand = (run.region, runtime, timeout_s)
        self._demands[demand] = self._demands.get(demand, 0) + 1
        # Without the environment's values: a URI may hold a token, and scripts are printed.
        script = script_in(run.keyed_body or run.body)
        if script in self._scripts or len(self._scripts) < KEPT_SCRIPTS:
            self._scripts[script] = self._scripts.get(script, 0) + 1
        for placeholder in placeholders_in(run.body):
            runs = self._uploads.setdefault(placeholder, {})
            runs[run.region] = runs.get(run.region, 0) + 1
        if run.name < self.first_name or not self.first_name:
            self.first_name = run.name
        self.last_name = max(self.last_name, run.name)
        name_hash = hash(run.name)
        if name_hash in self._name_hashes:
            return False
        self._name_hashes.add(name_hash)
        return True

    def name_prefix(self) -> str:
        pairs = zip(self.first_name, self.last_name, strict=False)
        return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def demands(self) -> tuple[Demand, ...]:
        return tuple(Demand(*key, runs) for key, runs in sorted(self._demands.items()))

    def totals(self) -> tuple[Total, ...]:
        totals: dict[tuple[str, str], int] = {}
        for (region, runtime, _), runs in self._demands.items():
            totals[region, runtime] = totals.get((region, runtime), 0) + runs
        return tuple(Total(region, runtime, runs) for (region, runtime), runs in sorted(totals.items()))

    def scripts(self) -> tuple[Script, ...]:
        """The scripts and jars that runs execute, without local files; the most used first."""
        decoded = [Script(json.loads(b'"' + uri + b'"'), runs) for uri, runs in self._scripts.items()]
        remote = [script for script in decoded if not script.uri.startswith(LOCAL)]
        return tuple(sorted(remote, key=lambda script: (-script.runs, script.uri)))

    def uploads(self, files: Iterable[LocalFile]) -> tuple[UploadPlan, ...]:
        """The files that some run uses, by path."""
        by_path = sorted(files, key=lambda file: file.path)
        found = [(file, self._uploads.get(encode_inner(file.placeholder))) for file in by_path]
        return tuple(UploadPlan(file=file, runs=runs) for file, runs in found if runs)
