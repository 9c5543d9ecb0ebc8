"""The emulator that belongs to a ledger: its runs are kept, and shared by the processes that use the ledger."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from batchrun.emulator.beside import emulator_beside, state_beside

KEY = {"X-API-Key": "k"}
HOLDS_ONE = """
import sys
from pathlib import Path
from batchrun.emulator.beside import emulator_beside
with emulator_beside(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def names(url: str) -> list[str]:
    return [run["name"] for run in httpx.get(f"{url}/runs", headers=KEY).json()["items"]]


def test_runs_are_kept_beside_the_ledger(tmp_path: Path, payload: dict[str, Any]) -> None:
    ledger = tmp_path / "sweep.emulator.ledger.jsonl"
    with emulator_beside(ledger) as url:
        httpx.post(f"{url}/runs?region=r", json=payload, headers=KEY).raise_for_status()
    with emulator_beside(ledger) as url:
        assert names(url) == [payload["name"]]
    assert {path.name for path in tmp_path.iterdir()} == {"sweep.emulator.ledger.jsonl.runs.sqlite"}


def test_a_second_process_uses_the_emulator_of_the_first(tmp_path: Path, payload: dict[str, Any]) -> None:
    ledger = tmp_path / "sweep.emulator.ledger.jsonl"
    command = [sys.executable, "-c", HOLDS_ONE, str(ledger)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        url = first.stdout.readline().strip()
        httpx.post(f"{url}/runs?region=r", json=payload, headers=KEY).raise_for_status()
        with emulator_beside(ledger) as shared:
            assert shared == url
            assert names(shared) == [payload["name"]]
        assert names(url) == [payload["name"]]
        first.kill()
    with emulator_beside(ledger) as own:
        assert own != url
        assert names(own) == [payload["name"]]


def test_a_symlink_to_a_ledger_leads_to_its_runs(tmp_path: Path) -> None:
    ledger = tmp_path / "real.jsonl"
    ledger.touch()
    (tmp_path / "link.jsonl").symlink_to(ledger)
    assert state_beside(tmp_path / "link.jsonl") == state_beside(ledger)
