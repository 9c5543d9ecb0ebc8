"""One batch against a faulty service, killed and resumed in a terminal, and the pictures that are made of it.

Everything in them is what commands printed, what the ledger holds, and what the service holds. Needs tmux; takes two minutes.
"""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from tests.pictures.drawings import Course, flow, states
from tests.pictures.report_page import COMMAND, ROOT, run_batchrun
from tests.pictures.terminal import Terminal, svg

__all__ = ["main"]

FOLDER = ROOT / "docs" / "pictures"
SUBMIT = "batchrun submit ndvi.toml --yes"


def main() -> None:
    if shutil.which("tmux") is None:
        raise SystemExit("the pictures of a terminal need tmux: apt-get install tmux")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(FOLDER / "ndvi.toml", folder)
        config = FOLDER / "emulator.toml"
        service = subprocess.Popen(
            [COMMAND, "emulator", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert service.stdout is not None
            url = service.stdout.readline().split()[-1]
            _play(folder, url)
        finally:
            service.terminate()
            service.wait(timeout=10)


def _play(folder: Path, url: str) -> None:
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    environ = os.environ | {"WHEROBOTS_API_BASE_URL": url, "WHEROBOTS_API_KEY": "of-no-worth", "PATH": path}
    with Terminal(folder, environ) as terminal:
        terminal.run(f"timeout -s KILL 10 {SUBMIT}")
        terminal.run(SUBMIT)
        terminal.run("batchrun verify ndvi.toml")
        (FOLDER / "kill-and-resume.svg").write_text(svg(terminal.screen(), "kill -9, and resume"), "utf-8")
        held = _service(url)
        plan = _printed(folder, environ, "plan", "ndvi.toml", "--show", "2")
        ledger = _lines(folder / "ndvi.ledger.jsonl")
        (FOLDER / "flow.svg").write_text(flow((folder / "ndvi.toml").read_text("utf-8"), plan, ledger, held), "utf-8")
    for words in (["watch", "ndvi.toml"], ["rerun", "ndvi.toml", "--yes", "--watch"]):
        run_batchrun(*words, cwd=folder, environ=environ)
    course = Course.of(_lines(folder / "ndvi.ledger.jsonl"), planned=len({run["name"] for run in held}))
    (FOLDER / "states.svg").write_text(states(course), "utf-8")


def _service(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/_emulator/runs", timeout=30) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


def _printed(folder: Path, environ: dict[str, str], *words: str) -> str:
    done = subprocess.run([COMMAND, *words], cwd=folder, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _lines(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
