"""What a person changes between two processes: the data file, the environment, and which ledger lies in the folder."""

import os
import random
from pathlib import Path

from batchrun.engine.preflight.difference import is_changed
from batchrun.ledger.reader import read_batch
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan

__all__ = ["World"]

SWEEP = """\
version = 1

[run]
name    = "chaos-run-{{tile.id}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{tile.id}}", "--zone", "{{tile.zone}}", "--token", "{{env.CHAOS_TOKEN}}"]

[axes.tile]
file = "tiles.csv"

[submit]
max_points = 100000
"""
"""Names without leading zeros: chaos-run-1 is a part of chaos-run-10."""


class World:
    """One folder with a sweep, and what the environment holds."""

    def __init__(self, folder: Path, runs: int) -> None:
        self.folder = folder
        self.runs = runs
        self.ledger = folder / "chaos.ledger.jsonl"
        self.rows = list(range(1, runs + 1))
        self.token = "token-0"
        self.zone = "a"
        self._write(folder, self.rows)
        (folder / "whole").mkdir()
        self._write(folder / "whole", self.rows)
        self.whole = self._plan(folder / "whole")
        """Every run that any version of the sweep plans."""

    def take(self, share: float, chance: random.Random) -> None:
        """Plan a share of all rows from now on, in another order."""
        rows = list(range(1, self.runs + 1))
        self.rows = chance.sample(rows, max(1, int(self.runs * share)))
        self.save()

    def save(self) -> None:
        self._write(self.folder, self.rows)

    def environ(self) -> dict[str, str]:
        return {**os.environ, "CHAOS_TOKEN": self.token}

    def plan(self) -> Plan:
        return self._plan(self.folder)

    def is_begun(self) -> bool:
        """Whether the ledger has a whole line; one whose writer was killed in its first line has none."""
        return self.ledger.exists() and b"\n" in self.ledger.read_bytes()

    def has_changed(self) -> bool:
        """Whether the sweep differs from the one in the ledger, so that it needs ``--extend``."""
        return self.is_begun() and is_changed(self.plan(), read_batch(self.ledger))

    def _plan(self, folder: Path) -> Plan:
        environ = self.environ()
        return build_plan(Manifest.load(folder / "chaos.toml", environ=environ), environ=environ)

    def _write(self, folder: Path, rows: list[int]) -> None:
        (folder / "chaos.toml").write_text(SWEEP)
        lines = ["id,zone", *(f"{row},{self.zone}" for row in rows)]
        (folder / "tiles.csv").write_text("\n".join(lines) + "\n")
