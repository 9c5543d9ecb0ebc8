"""The command, run as its users run it, against a service of the test's own.

``BATCHRUN_COMMAND`` names an executable, such as that of an earlier version: these tests use the command line only. Without
it, commands that are not to be killed run in this process, which saves starting an interpreter for each.
"""

import io
import os
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch

from batchrun.cli import app
from tests.laws.service import Service, wait_until

__all__ = ["COMMAND", "Command", "Ended", "accepts"]

OTHER = os.environ.get("BATCHRUN_COMMAND")
COMMAND = Path(OTHER or Path(sys.executable).with_name("batchrun"))
KEY = "laws-key-7d20"
LEDGER = "sweep.ledger.jsonl"
LONGEST_S = 60.0

SWEEP = """\
version = 1

[run]
name    = "tile-run-{{n}}"
runtime = "RUNTIME"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{n}}"EXTRA]

[axes]
n = { from = 1, to = LAST }
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything printed, on one line: where lines are broken depends on the width."""
        return " ".join((self.out + " " + self.err).split())


@dataclass(slots=True)
class Command:
    """Runs batchrun in one folder, against one service."""

    folder: Path
    service: Service
    environ: dict[str, str] = field(default_factory=dict)
    preamble: str = ""
    """Python that runs in the command's process before batchrun is loaded."""
    _processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        return self.folder / LEDGER

    def sweep(self, last: int, *, runtime: str = "tiny", extra: str = "", more: str = "") -> None:
        """Write ``sweep.toml`` with runs ``tile-run-1`` to ``tile-run-LAST``."""
        text = SWEEP.replace("LAST", str(last)).replace("RUNTIME", runtime).replace("EXTRA", extra)
        (self.folder / "sweep.toml").write_text(text + more)

    def run(self, *words: str) -> Ended:
        if not (self.preamble or OTHER):
            return self._run_here(words)
        process = self.start(*words)
        out, err = process.communicate(timeout=LONGEST_S)
        return Ended(process.returncode, out, err)

    def _run_here(self, words: tuple[str, ...]) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self._environ()),
            patch.object(sys, "stdin", io.StringIO()),
            chdir(self.folder),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            status = app.run(list(words))
        return Ended(status, out.getvalue(), err.getvalue())

    def submit(self, *flags: str) -> Ended:
        return self.run(*self._submit(flags))

    def resume(self, *flags: str) -> Ended:
        usual = ["--base-url", self.service.url, "--rate", "200", "--settle-after", "0.3s"]
        return self.run("resume", self.ledger.name, *usual, *flags)

    def submit_and_kill(self, runs: int, *flags: str, recorded: int = 0) -> None:
        """Submit, and kill the process as soon as the service holds this many runs, and the ledger that many of their ids."""
        process = self.start(*self._submit(flags))
        self.service.wait_for(runs)
        wait_until(lambda: self.ledger.read_text().count('"event":"submitted"') >= recorded)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LONGEST_S)

    def submit_until(self, word: str, *flags: str) -> Ended:
        """Submit, and press Ctrl-C twice once the ledger holds ``word``; how that ended."""
        process = self.start(*self._submit(flags))
        wait_until(lambda: self.ledger.exists() and word in self.ledger.read_text())
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST_S)
        return Ended(process.returncode, out, err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [str(COMMAND)]
        if self.preamble:
            main = "\nimport sys\nfrom batchrun.cli.app import main\nsys.exit(main(sys.argv[1:]))"
            command = [str(COMMAND.with_name("python")), "-c", self.preamble + main]
        process = subprocess.Popen(
            [*command, *words],
            cwd=self.folder,
            env={**os.environ, **self._environ()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def _environ(self) -> dict[str, str]:
        return {"WHEROBOTS_API_KEY": KEY, "COLUMNS": "200", **self.environ}

    def close(self) -> None:
        """End what is still running, as after a test that failed half-way."""
        for process in self._processes:
            process.kill()
            process.communicate()

    def _submit(self, flags: tuple[str, ...]) -> list[str]:
        """Flags that are given win over these: of an option given twice, the last one counts."""
        usual = ["--base-url", self.service.url, "--rate", "200", "--settle-after", "0.3s", "--yes"]
        return ["submit", "sweep.toml", *usual, *flags]


@cache
def accepts(option: str) -> bool:
    """Whether the command knows an option; earlier versions lack some, and would end there without sending anything."""
    shown = subprocess.run([str(COMMAND), "submit", "--help"], capture_output=True, text=True, check=True)
    return option in shown.stdout


def supported(*options: str) -> tuple[str, ...]:
    """Those of the options that the command knows."""
    return tuple(option for option in options if accepts(option))


def once(last: int) -> dict[str, int]:
    """What the service must hold: each of ``tile-run-1`` to ``tile-run-LAST`` once."""
    return {f"tile-run-{n}": 1 for n in range(1, last + 1)}
