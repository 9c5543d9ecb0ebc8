"""The installed command against an emulator in a process of its own."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

KEY = "e2e-key-4f1c"

SWEEP = """\
version = 1

[run]
name    = "tile-{{{{tile}}}}-{{{{band}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{{{tile}}}}", "--band", "{{{{band}}}}"]

[axes]
tile = {{ from = 10001, to = {last} }}
band = ["red", "nir"]

[submit]
max_points = 100000
settle_after = "1s"
"""


class Command:
    """Runs batchrun as its users do, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "WHEROBOTS_API_KEY": KEY}

    def run(self, *args: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        process = self.start(*args)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def start(self, *args: str, stdin: bool = False) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "batchrun", *args]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ,
            stdin=pipe if stdin else None,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def sweep(self, runs: int) -> str:
        """Write a sweep of this many runs; returns its file's name."""
        (self.folder / "sweep.toml").write_text(SWEEP.format(last=10000 + runs // 2))
        return "sweep.toml"

    def ledger_text(self) -> str:
        return (self.folder / "sweep.ledger.jsonl").read_text()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


class Emulator:
    """An emulator that listens, and what it really holds."""

    def __init__(self, url: str) -> None:
        self.url = url

    def held(self) -> list[dict[str, Any]]:
        """Every run that was created."""
        with urllib.request.urlopen(f"{self.url}/_emulator/runs") as answer:
            return [json.loads(line) for line in answer]

    def names(self) -> list[str]:
        return [run["name"] for run in self.held()]

    def wait_for_runs(self, count: int) -> None:
        """Return when this many runs were created."""
        until = time.monotonic() + 30
        while len(self.held()) < count:
            assert time.monotonic() < until, f"{len(self.held())} of {count} runs after 30 s"
            time.sleep(0.05)


@contextmanager
def emulating(*flags: str) -> Iterator[Emulator]:
    """An emulator in a process of its own, with these flags."""
    command = [sys.executable, "-m", "batchrun", "emulator", "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Emulator(process.stdout.readline().split()[-1])
        finally:
            process.terminate()
