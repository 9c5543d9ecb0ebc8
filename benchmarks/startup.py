"""How long a command takes to answer, beside what cannot be avoided: medians of several interleaved runs.

python -m benchmarks.startup [ROUNDS]
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.rows import ONE_RUN, Measured, Row, print_rows, run_once
from benchmarks.server import fast_server

__all__ = ["startup_rows"]

ROUNDS = 9
COMMAND = str(Path(sys.executable).with_name("batchrun"))
MANIFEST = """\
version = 1

[run]
name = "start-{{n}}"
runtime = "tiny"
region = "aws-us-west-2"
python = "s3://acme/job.py"
args = ["{{n}}"]

[axes]
n = ["only"]
"""


def cases(url: str) -> dict[str, list[str]]:
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import typer'": [sys.executable, "-c", "import typer"],
        "python -c 'import aiohttp'": [sys.executable, "-c", "import aiohttp"],
        "batchrun --help": [COMMAND, "--help"],
        "batchrun plan, 1 run": [COMMAND, "plan", "one.toml"],
        ONE_RUN: [COMMAND, "submit", "one.toml", "--yes", "--base-url", url],
        "batchrun status": [COMMAND, "status", "one.ledger.jsonl"],
    }


def startup_rows(rounds: int) -> list[Row]:
    with fast_server() as (url, _), tempfile.TemporaryDirectory() as name:
        directory, commands = Path(name), cases(url)
        (directory / "one.toml").write_text(MANIFEST, "utf-8")
        found: dict[str, list[Measured]] = {case: [] for case in commands}
        for _ in range(rounds):
            (directory / "one.ledger.jsonl").unlink(missing_ok=True)
            for case, command in commands.items():
                found[case].append(run_once(command, cwd=directory))
    rows = [Row.of("Starting up", case, 1, many) for case, many in found.items()]
    return [replace(row, peak_mb=None) for row in rows]  # so small that the memory of this process shows through


if __name__ == "__main__":
    print_rows(startup_rows(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
