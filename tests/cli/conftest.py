"""The installed command, run as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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
def batchrun(tmp_path: Path) -> Run:
    """Runs the command in an empty directory; keywords are further environment variables."""

    def run(*words: str | Path, timeout_s: float = 60, stdin: str = "", **environ: str) -> Ended:
        done = subprocess.run(
            [COMMAND, *words],
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm-256color", **environ},
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        ended = Ended(done.stdout.decode(), done.stderr.decode(), done.returncode)
        assert "Traceback" not in ended.out + ended.err
        return ended

    return run
