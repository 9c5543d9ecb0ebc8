"""The report of a large batch: how long it takes, how large it gets, and how soon a browser shows it.

python -m benchmarks.report [ROUNDS]

Ledgers are made by the generator of the tests, with five events a run, failures, costs and four axes, one of them with a
value for every eighty runs. A browser is measured where Chromium and playwright are installed.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rows import Row, print_rows, run_once

__all__ = ["report_rows"]

ROUNDS = 3
COMMAND = str(Path(sys.executable).with_name("batchrun"))
SIZES = (1_000, 10_000, 100_000)
LIMITS = {10_000: "2 s, 1.5 MB", 100_000: "15 s, 3 MB, 400 MB"}
GROUP = "batchrun report"


def make_ledger(runs: int, path: Path) -> None:
    """In a process of its own: the memory of the one that measures shows through in what it measures."""
    from tests.report.ledgers import Story, write_ledger  # noqa: PLC0415 - only in the process that makes ledgers

    def failing(point: dict[str, object]) -> float:
        return 0.8 if point["region"] == "eu" and point["year"] in {2022, 2023, 2024} else 0.03

    axes: dict[str, list[object]] = {
        "region": ["us-west", "us-east", "eu", "ap-south"],
        "year": list(range(2015, 2025)),
        "res": ["10m", "30m"],
        "tile": [f"t{number:05d}" for number in range(max(1, runs // 80))],
    }
    write_ledger(path, Story(axes=axes, runs=runs, failing=failing, max_active=500, rate_per_s=50))


def report_rows(folder: Path, rounds: int) -> list[Row]:
    rows = []
    for runs in SIZES:
        ledger, page = folder / f"{runs}.ledger.jsonl", folder / f"{runs}.html"
        subprocess.run([sys.executable, "-m", "benchmarks.report", "--ledger", str(runs), ledger], check=True)
        many = [run_once([COMMAND, "report", str(ledger), "-o", str(page)]) for _ in range(rounds)]
        rows.append(Row.of(GROUP, f"{runs:,} runs", runs, many))
    return rows


def first_paint_ms(page: Path, rounds: int) -> tuple[float, float] | None:
    """Milliseconds until Chromium shows the first picture, and until the whole page with its script is ready."""
    chromium = shutil.which("chromium")
    if chromium is None or find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not installed everywhere

    times: list[tuple[float, float]] = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(rounds):
            opened = browser.new_page(viewport={"width": 1280, "height": 900})
            opened.goto(page.as_uri(), wait_until="load")
            opened.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            paint, load = opened.evaluate(
                "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
                " performance.getEntriesByType('navigation')[0].loadEventEnd]"
            )
            times.append((paint, load))
            opened.close()
        browser.close()
    return statistics.median(paint for paint, _ in times), statistics.median(load for _, load in times)


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_rows(report_rows(folder, rounds))
        print(f"\n{'the page':38}{'MB':>10}{'first picture, ms':>20}{'ready, ms':>12}")
        for runs in SIZES:
            page = folder / f"{runs}.html"
            paint = first_paint_ms(page, rounds)
            times = f"{paint[0]:>20.0f}{paint[1]:>12.0f}" if paint is not None else f"{'no browser':>20}"
            limit = f"   at most {LIMITS[runs]}" if runs in LIMITS else ""
            print(f"  {f'{runs:,} runs':36}{page.stat().st_size / 1e6:>10.2f}{times}{limit}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ledger"]:
        make_ledger(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
