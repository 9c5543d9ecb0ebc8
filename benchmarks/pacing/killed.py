"""The installed command against a hidden limit, with answers that go missing, killed twice: how long until every run exists."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.pacing.sockets import emulator
from benchmarks.pacing.tables import head, row

__all__ = ["killed"]

RUNS, LIMIT_PER_S, BURST = 300, 60.0, 8
FAULTS = {"reset_after_commit": 0.05, "cut_body": 0.03, "reset_before_commit": 0.03, "error_after_commit": 0.04}
KILLED_AT = (80, 180)
"""Runs at the service when a process is killed."""
SEEDS = (1, 2, 3)
WAYS: dict[str, list[str]] = {
    "hidden limit": [],
    "limit given": ["--rate", "60", "--burst", "10"],
}
SWEEP = """\
version = 1
[run]
name    = "killed-run-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/x.py"
args    = ["{{n}}"]
[axes]
n = { from = 1, to = %d }
"""


def killed() -> None:
    print(
        f"\n## {RUNS} runs at a hidden {LIMIT_PER_S:g}/s; 5 % of answers lost, 3 % cut, 3 % of requests dropped, 4 % answered 500;"
        f" two SIGKILLs; settle_after 2 s\n"
    )
    head(["", "seconds until all exist", "runs at the service", "names twice"])
    for name, flags in WAYS.items():
        results = [_one(flags, seed) for seed in SEEDS]
        seconds = ", ".join(f"{took_s:.1f}" for took_s, _, _ in results)
        median = statistics.median(took_s for took_s, _, _ in results)
        runs, twice = (max(result[index] for result in results) for index in (1, 2))
        row([name, f"{median:.1f} ({seconds})", str(runs), str(twice)])


def _one(flags: list[str], seed: int) -> tuple[float, int, int]:
    with (
        emulator(rate_limit_per_s=LIMIT_PER_S, burst=BURST, limit_on="create", seed=seed, faults=FAULTS) as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        sweep = Path(folder, "killed.toml")
        sweep.write_text(SWEEP % RUNS)
        began = time.monotonic()
        for runs in KILLED_AT:
            process = _submit(sweep, url, flags)
            while len(_names(url)) < runs:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
        _submit(sweep, url, flags).wait()
        took_s = time.monotonic() - began
        names = _names(url)
        return took_s, len(names), len(names) - len(set(names))


def _names(url: str) -> list[str]:
    """The names of all runs that the service holds."""
    with urllib.request.urlopen(f"{url}/_emulator/runs", timeout=10.0) as reply:
        return [json.loads(line)["name"] for line in reply]


def _submit(sweep: Path, url: str, flags: list[str]) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "batchrun",
        "submit",
        str(sweep),
        "--base-url",
        url,
        "--settle-after",
        "2s",
        "-y",
        "-q",
    ]
    environment = os.environ | {"WHEROBOTS_API_KEY": "bench-key-12345"}
    return subprocess.Popen([*command, *flags], env=environment, stdout=subprocess.DEVNULL)
