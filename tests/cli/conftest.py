"""The command as a person runs it: installed, in a process of its own, or quicker in this one."""

import io
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchrun.cli import app
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.cli.terminal import COMMAND, Terminal

KEY = "wbk-tests-0123456789"
MANIFEST = """\
version = 1

[run]
name    = "job-{{site}}-{{year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/job.py"
args    = ["--site", "{{site}}", "--year", "{{year}}"]

[axes]
site = ["nyc", "lax", "ord"]
year = { from = 2021, to = 2024 }
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed, and its exit status."""

    out: str
    err: str
    status: int

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Ended]


@pytest.fixture
def batchrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process, in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        capsys.readouterr()
        status = app.run([str(word) for word in words])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err, printed.err
        return Ended(printed.out, printed.err, status)

    return run


@pytest.fixture
def installed(tmp_path: Path) -> Run:
    """Runs the installed command in a process of its own, in an empty directory; keywords are environment variables."""

    def run(*words: str | Path, **environ: str) -> Ended:
        done = subprocess.run(
            [COMMAND, *words],
            cwd=tmp_path,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        ended = Ended(done.stdout.decode(), done.stderr.decode(), done.returncode)
        assert "Traceback" not in ended.out + ended.err, ended.err
        return ended

    return run


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.toml"
    path.write_text(MANIFEST, "utf-8")
    return path


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer(EmulatorSettings(api_key=KEY)) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)


def held(server: EmulatorServer) -> list[str]:
    """The names of the runs that the service really holds."""
    with urllib.request.urlopen(f"{server.url}/_emulator/runs") as answer:
        return sorted(json.loads(line)["name"] for line in answer)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()
