"""Tests of submit_tiles.py. Run ``pytest`` in this folder; pytest.ini loads batchrun's plugin."""

from pathlib import Path

import pytest
from submit_tiles import submit_tiles

from batchrun import ApiSettings
from batchrun.emulator.http.server import EmulatorServer


@pytest.mark.emulator(faults={"reset_after_commit": 0.2})
def test_every_tile_runs_once_although_responses_are_lost(wherobots_emulator: EmulatorServer, tmp_path: Path) -> None:
    settings = ApiSettings(api_key="any-key-will-do", base_url=wherobots_emulator.url)
    submission = submit_tiles(tmp_path / "tiles.ledger.jsonl", settings)
    assert submission.progress.submitted == 40
    names = [run["name"] for run in wherobots_emulator.runs()]
    assert sorted(names) == [f"tile-{number}" for number in range(1001, 1041)]
