"""Whole-process throughput of submitting, against the loops that people write instead; prints one table.

    python -m benchmarks.submit [--repeat 5] [--concurrency 64] [--json FILE] [--scale]

Every contender is a process of its own and is measured from its start to its end, by the operating system's accounting.
The contenders take turns, so that a machine that gets slower gets slower for all; the figure is the median, and the ratio
that of medians. ``--scale`` submits 10,000, 100,000 and 1,000,000 runs instead and shows seconds and memory grow.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

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
class Measured:
    """One process: seconds from start to end, CPU seconds, peak memory."""

    seconds: float
    cpu_s: float
    peak_mb: float


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
        return [*submit, "--concurrency", str(concurrency), "--rate", "1000000", "--burst", "1000", *flags]

    return command


def measure(contender: Contender, url: str) -> Measured:
    """Run it once, in an empty folder, with the environment's settings but the key replaced."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = contender.command(url, contender.runs, Path(folder))
        environ = os.environ | {"WHEROBOTS_API_KEY": "bench"}
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise SystemExit(f"{contender.name} ended with {process.returncode}:\n{said.decode()}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(measured: list[Measured]) -> Measured:
    columns = zip(*((one.seconds, one.cpu_s, one.peak_mb) for one in measured), strict=True)
    return Measured(*(statistics.median(column) for column in columns))


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
    return [
        Contender("httpx loop", 1_000, loop("httpx")),
        Contender("aiometer over httpx", 1_000, loop("aiometer")),
        Contender("httpx2 loop", 10_000, loop("httpx2")),
        Contender("aiohttp loop", 50_000, loop("aiohttp")),
        Contender("aiohttp loop, uvloop", 50_000, loop("aiohttp", uvloop=True)),
        Contender("batchrun submit", 50_000, batchrun(concurrency)),
    ]


def scales(concurrency: int) -> list[Contender]:
    return [Contender(f"{n:,} runs", n, batchrun(concurrency)) for n in (10_000, 100_000, 1_000_000)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scale", action="store_true")
    args = parser.parse_args()
    chosen = (scales if args.scale else contenders)(args.concurrency)
    with fast_server() as (url, kind):
        runs: dict[str, list[Measured]] = {contender.name: [] for contender in chosen}
        for _ in range(args.repeat):
            for contender in chosen:
                runs[contender.name].append(measure(contender, url))
        ceiling = wrk_per_second(url, args.concurrency)
    report(chosen, {name: medians(many) for name, many in runs.items()}, kind, ceiling, args)


def report(
    chosen: list[Contender],
    figures: dict[str, Measured],
    kind: str,
    ceiling: float | None,
    args: argparse.Namespace,
) -> None:
    print(f"{kind} on loopback, {args.concurrency} connections, medians of {args.repeat} interleaved runs\n")
    print(f"{'':24}{'runs':>10}{'seconds':>10}{'runs/s':>10}{'µs CPU/run':>12}{'peak MB':>9}")
    for contender in chosen:
        one = figures[contender.name]
        print(
            f"{contender.name:24}{contender.runs:>10,}{one.seconds:>10.2f}{contender.runs / one.seconds:>10,.0f}"
            f"{one.cpu_s / contender.runs * 1e6:>12.0f}{one.peak_mb:>9.0f}"
        )
    if ceiling is not None:
        print(f"{'wrk, the ceiling':24}{'':>10}{'':>10}{ceiling:>10,.0f}")
    rates = {contender.name: contender.runs / figures[contender.name].seconds for contender in chosen}
    if "batchrun submit" in rates:
        for other in ("httpx loop", "aiohttp loop", "aiohttp loop, uvloop"):
            print(f"\nbatchrun submit / {other}: {rates['batchrun submit'] / rates[other]:.2f}", end="")
        print()
    if args.json is not None:
        rows = {c.name: asdict(figures[c.name]) | {"runs": c.runs, "runs_per_s": rates[c.name]} for c in chosen}
        document = {"server": kind, "concurrency": args.concurrency, "ceiling_per_s": ceiling, "rows": rows}
        args.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
