"""Data on standard output: a reader that leaves is content, a full disk is an error that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.report.ledgers import Story, batch_event, write_events
from tests.security.hostile import sweep

COMMANDS = [
    ("plan", "sweep.toml", "-o", "-"),
    ("ledger", "export", "sweep.ledger.jsonl", "-o", "-"),
    ("report", "sweep.ledger.jsonl", "-o", "-"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sweep(tmp_path, 600)
    event = replace(batch_event(Story(axes={}), 600), manifest=(tmp_path / "sweep.toml").read_text())
    write_events(tmp_path / "sweep.ledger.jsonl", [event])
    return tmp_path


def run(folder: Path, command: tuple[str, ...], stdout: int) -> tuple[int, str]:
    process = subprocess.run(
        [sys.executable, "-m", "batchrun", *command],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    return process.returncode, process.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_reader_that_leaves_early_is_no_error(command: tuple[str, ...], folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        status, error = run(folder, command, writing)
    finally:
        os.close(writing)
    assert (status, "rror" in error) == (0, False), error


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_named(command: tuple[str, ...], folder: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        status, error = run(folder, command, full)
    finally:
        os.close(full)
    assert status == 2
    assert "error: standard output: cannot be written: no space left on device" in error
