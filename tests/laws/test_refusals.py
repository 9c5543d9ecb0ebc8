"""What stops a batch at its ledger: the message, the exit status, and that nothing is lost."""

import json
import os
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchrun.cli import app
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state

SWEEP = """\
version = 1

[run]
name    = "tile-run-{{tile.id}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{tile.id}}"]

[axes.tile]
file = "tiles.csv"
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    monkeypatch.setenv("WHEROBOTS_API_KEY", "any")
    with EmulatorServer(EmulatorSettings()) as running:
        yield running


def submit(folder: Path, server: EmulatorServer, *flags: str) -> int:
    words = ["submit", str(folder / "tiles.toml"), "--base-url", server.url, "--rate", "500", "--yes", "--quiet"]
    return app.run([*words, *flags])


def tiles(folder: Path, count: int) -> Path:
    (folder / "tiles.toml").write_text(SWEEP)
    (folder / "tiles.csv").write_text("id\n" + "".join(f"{number}\n" for number in range(count)))
    return folder / "tiles.ledger.jsonl"


def held(server: EmulatorServer) -> list[str]:
    with urllib.request.urlopen(f"{server.url}/_emulator/runs") as answer:
        return [json.loads(line)["name"] for line in answer]


def test_a_changed_data_file_is_told_and_needs_extend(
    server: EmulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tiles(tmp_path, 3)
    assert submit(tmp_path, server) == 0
    tiles(tmp_path, 5)
    assert submit(tmp_path, server) == 4
    assert "--extend" in capsys.readouterr().err
    assert len(held(server)) == 3
    assert submit(tmp_path, server, "--extend") == 0
    assert sorted(held(server)) == [f"tile-run-{number}" for number in range(5)]
    assert read_state(ledger).count(Outcome.SUBMITTED) == 5
    assert app.run(["ledger", "check", str(ledger)]) == 0


def test_a_damaged_ledger_ends_with_4_its_line_and_nothing_sent(
    server: EmulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tiles(tmp_path, 3)
    assert submit(tmp_path, server) == 0
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join([*lines[:2], b"\x00\x00\x00\n", *lines[3:]]))
    damaged = ledger.read_bytes()
    for words in (["status", str(ledger)], ["resume", str(ledger)], ["ledger", "check", str(ledger)]):
        assert app.run(words) == 4
        assert f"{ledger}:3: the line cannot be read" in capsys.readouterr().err
    assert submit(tmp_path, server) == 4
    assert ledger.read_bytes() == damaged
    assert len(held(server)) == 3


def limited() -> None:
    """A disk that is full after 6,000 bytes of a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, resource.RLIM_INFINITY))


def test_a_disk_that_fills_up_stops_the_batch_and_room_lets_it_go_on(server: EmulatorServer, tmp_path: Path) -> None:
    ledger = tiles(tmp_path, 60)
    words = ["submit", "tiles.toml", "--base-url", server.url, "--rate", "500", "--settle-after", "0.5s", "--yes"]
    full = subprocess.run(
        [sys.executable, "-m", "batchrun", *words],
        cwd=tmp_path,
        env=os.environ,
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 3, full.stderr
    assert "free disk space and resume" in full.stderr
    assert "Traceback" not in full.stderr
    assert 0 < len(held(server)) < 60
    assert submit(tmp_path, server, "--settle-after", "0.5s") == 0
    assert sorted(held(server)) == sorted(f"tile-run-{number}" for number in range(60))
    assert read_state(ledger).count(Outcome.SUBMITTED) == 60
