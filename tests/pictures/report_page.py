"""The example report of the documentation, and its pictures.

A batch of 576 runs is submitted to an emulator in which one corner of the sweep fails, and followed to its end; everything
is what the commands print and write. Takes about two minutes, and needs Chromium for the pictures.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import batchrun

__all__ = ["main"]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "report"
COMMAND = Path(sys.executable).with_name("batchrun")
NAME = "tree-cover"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WIDE, PHONE, CELL = (1280, 1000), (400, 1100), ".inline"
PICTURES: tuple[tuple[str, tuple[int, int], Literal["light", "dark"], str | None], ...] = (
    ("light.png", WIDE, "light", None),
    ("dark.png", WIDE, "dark", None),
    ("phone.png", PHONE, "light", None),
    ("heat-maps.png", WIDE, "light", ".pairs"),
    ("timeline.png", WIDE, "light", "#time figure"),
    ("notebook.png", (900, 700), "light", CELL),
)
"""File names, each with the size of the window, the colours, and the part of the page; None is what the window shows."""


def run_batchrun(*words: str | Path, cwd: Path, environ: dict[str, str]) -> None:
    subprocess.run([COMMAND, *words], cwd=cwd, env=environ, check=False)  # some runs fail, on purpose


@contextmanager
def emulator() -> Iterator[str]:
    """A local service with the settings of the example; its URL."""
    process = subprocess.Popen(
        [COMMAND, "emulator", "--config", FOLDER / "emulator.toml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=10)


def make_report(folder: Path) -> Path:
    """Submit the batch, follow it, and write its report."""
    shutil.copy(FOLDER / f"{NAME}.toml", folder)
    with emulator() as url:
        environ = os.environ | {"WHEROBOTS_API_BASE_URL": url, "WHEROBOTS_API_KEY": "example-of-no-worth"}
        run_batchrun("submit", f"{NAME}.toml", "--yes", "--watch", cwd=folder, environ=environ)
        run_batchrun("costs", f"{NAME}.ledger.jsonl", "--refresh", cwd=folder, environ=environ)
        run_batchrun("logs", f"{NAME}.ledger.jsonl", "--failed", "--save", "logs", cwd=folder, environ=environ)
    logs = ["--logs", "logs"] if (folder / "logs").is_dir() else []
    run_batchrun("report", f"{NAME}.ledger.jsonl", *logs, cwd=folder, environ=dict(os.environ))
    return folder / f"{NAME}.report.html"


def photograph(page: Path, cell: Path) -> None:
    """The pictures of a report, and of its short form in a notebook's cell."""
    from playwright.sync_api import ViewportSize, sync_playwright  # noqa: PLC0415 - not installed everywhere

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        for name, (width, height), scheme, part in PICTURES:
            size: ViewportSize = {"width": width, "height": height}
            opened = browser.new_context(viewport=size, color_scheme=scheme).new_page()
            opened.goto((cell if part == CELL else page).as_uri())
            shown = opened.locator(part) if part is not None else opened
            shown.screenshot(path=FOLDER / name)
        browser.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        page, cell = make_report(Path(name)), Path(name) / "cell.html"
        shutil.copy(page, FOLDER / "report.html")
        cell.write_text('<meta charset="utf-8">' + batchrun.show(Path(name) / f"{NAME}.ledger.jsonl").html, "utf-8")
        if shutil.which("chromium") is None:
            raise SystemExit("the report is made; its pictures need Chromium: apt-get install chromium")
        photograph(FOLDER / "report.html", cell)
