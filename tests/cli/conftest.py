"""The command as a person runs it: installed, in a process of its own, or quicker in this one."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchrun.cli import app

COMMAND = Path(sys.executable).with_name("batchrun")


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
