"""Whole-process throughput of submitting, against the loops that people write instead; prints one table.

    python -m benchmarks.submit [--repeat 5] [--concurrency 64] [--scale]

Every contender is a process of its own and is measured from its start to its end, by the operating system's accounting.
batchrun's own pacing is set to more than there is, since there is no limit to keep to here; everything else is as it always
is. The contenders take turns, so that a machine that gets slower gets slower for all; the figure is the median, and the ratio
that of medians. ``--scale`` submits 10,000, 100,000 and 1,000,000 runs instead and shows seconds and memory grow.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rows import Measured, Row, print_rows, run_once
from benchmarks.server import fast_server

HERE = Path(__file__).parent
SWEEP = """
version = 1

[run]
name    = "bench-{{{{tile}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/ndvi.py"
args    = ["--region", "us-west", "--tile", "{{{{tile}}}}"]

[axes]
tile = {{ from = 1000001, to = {last} }}

[submit]
max_points = {runs}
"""


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    runs: int
    command: Callable[[str, int, Path], list[str]]
    """From the server's URL, the number of runs and an empty folder."""


def loop(name: str, *, uvloop: bool = False) -> Callable[[str, int, Path], list[str]]:
    def command(url: str, runs: int, _: Path) -> list[str]:
        script = [sys.executable, str(HERE / "baselines" / "loops.py"), name]
        return [*script, "--url", f"{url}/runs?region=aws-us-west-2", "--runs", str(runs), *["--uvloop"] * uvloop]

    return command


def batchrun(concurrency: int, *flags: str) -> Callable[[str, int, Path], list[str]]:
    def command(url: str, runs: int, folder: Path) -> list[str]:
        sweep = folder / "bench.toml"
        sweep.write_text(SWEEP.format(runs=runs, last=1_000_000 + runs))
        submit = [sys.executable, "-m", "batchrun", "submit", str(sweep), "--yes", "--quiet", "--base-url", url]
        return [*submit, "--concurrency", str(concurrency), "--rate", "100000", "--burst", "1000", *flags]

    return command


def measure(contender: Contender, url: str) -> Measured:
    """Run it once, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return run_once(contender.command(url, contender.runs, Path(folder)))


def wrk_per_second(url: str, concurrency: int) -> float | None:
    """The ceiling: what the server can do at all, from a load generator written in C."""
    if (wrk := shutil.which("wrk")) is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('wrk.method = "POST"\nwrk.body = "{}"\nwrk.headers["Content-Type"] = "application/json"\n')
        script.flush()
        command = [wrk, "-t1", f"-c{concurrency}", "-d3s", "-s", script.name, f"{url}/runs"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(next(line.split()[1] for line in said.splitlines() if line.startswith("Requests/sec")))


def contenders(concurrency: int) -> list[Contender]:
    """Runs enough for each to reach its pace: httpx's pool is slowest while it opens its connections."""
    every = [
        Contender("httpx loop", 5_000, loop("httpx")),
        Contender("aiometer over httpx", 5_000, loop("aiometer")),
        Contender("httpx2 loop", 10_000, loop("httpx2")),
        Contender("aiohttp loop", 50_000, loop("aiohttp")),
        Contender("aiohttp loop, uvloop", 50_000, loop("aiohttp", uvloop=True)),
        Contender("batchrun submit", 50_000, batchrun(concurrency)),
    ]
    packages = {"aiometer over httpx": "aiometer", "httpx2 loop": "httpx2", "aiohttp loop, uvloop": "uvloop"}
    missing = {name for name, package in packages.items() if find_spec(package) is None}
    for name in sorted(missing):
        print(f"left out: {name}, {packages[name]} is not installed", file=sys.stderr)
    return [contender for contender in every if contender.name not in missing]


def scales(concurrency: int) -> list[Contender]:
    return [Contender(f"batchrun submit, {n:,}", n, batchrun(concurrency)) for n in (10_000, 100_000, 1_000_000)]


def interleaved(group: str, chosen: list[Contender], url: str, repeat: int) -> list[Row]:
    """All of them in turn, ``repeat`` times."""
    found: dict[str, list[Measured]] = {contender.name: [] for contender in chosen}
    for _ in range(repeat):
        for contender in chosen:
            found[contender.name].append(measure(contender, url))
    return [Row.of(group, contender.name, contender.runs, found[contender.name]) for contender in chosen]


def ratios(rows: list[Row]) -> dict[str, float]:
    """How many times as many runs a second as each loop."""
    by_name = {row.name: row.per_s for row in rows}
    ours = by_name.pop("batchrun submit")
    return {name: round(ours / theirs, 2) for name, theirs in by_name.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--scale", action="store_true")
    args = parser.parse_args()
    with fast_server() as (url, kind):
        group = f"{kind}, up to {args.concurrency} connections"
        rows = interleaved(group, (scales if args.scale else contenders)(args.concurrency), url, args.repeat)
        ceiling = wrk_per_second(url, args.concurrency)
    print_rows(rows)
    print(f"\nwrk, the ceiling: {ceiling:,.0f} a second" if ceiling is not None else "")
    for name, ratio in ratios(rows).items() if not args.scale else ():
        print(f"batchrun submit / {name}: {ratio:.2f}")


if __name__ == "__main__":
    main()
