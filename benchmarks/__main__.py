"""Everything that is measured, as one table: ``make bench``, or ``python -m benchmarks [--quick] [--results FOLDER]``.

Takes a quarter of an hour on two cores, and needs the machine for itself. The figures go to ``results.json`` and the picture
to ``throughput.svg``; ``--quick`` leaves out whatever has a million of something, and writes nothing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.fold import fold_rows
from benchmarks.plan import plan_rows
from benchmarks.rows import GROWING, SUBMITTING, print_rows
from benchmarks.server import fast_server
from benchmarks.startup import startup_rows
from benchmarks.submit import contenders, interleaved, ratios, scales, wrk_per_second

CONCURRENCY = 64
ROUNDS = 5
PEERS = ("aiohttp", "aiometer", "httpx", "httpx2", "uvloop")
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    if not args.quick and find_spec("matplotlib") is None:
        raise SystemExit("matplotlib draws the picture: pip install -e '.[bench]', or give --quick")
    with fast_server() as (url, kind):
        group = f"{SUBMITTING} to {kind}, up to {CONCURRENCY} connections"
        peers = interleaved(group, contenders(CONCURRENCY), url, 1 if args.quick else ROUNDS)
        ceiling = wrk_per_second(url, CONCURRENCY)
        small, large = scales(CONCURRENCY)[:2], scales(CONCURRENCY)[2:]
        growth = interleaved(GROWING, small[:1] if args.quick else small, url, 1 if args.quick else ROUNDS)
        growth += [] if args.quick else interleaved(GROWING, large, url, 1)
    rows = [*peers, *growth]
    rows += startup_rows(3 if args.quick else 9)
    rows += plan_rows(100 if args.quick else 10_000, 1 if args.quick else 3)
    rows += fold_rows(10_000 if args.quick else 1_000_000, 1)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of interleaved runs, whole processes")
    print_rows(rows)
    told = ratios(peers)
    print(f"\nwrk, the ceiling: {ceiling:,.0f} a second\n" if ceiling is not None else "")
    for name, ratio in told.items():
        print(f"batchrun submit / {name}: {ratio:.2f}")
    if args.quick:
        return
    args.results.mkdir(parents=True, exist_ok=True)
    document = {
        "batchrun": version("batchrun-wherobots"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "peers": {name: version(name) for name in PEERS if find_spec(name) is not None},
        "ceiling_per_s": ceiling,
        "ratios": told,
        "rows": [row.json() for row in rows],
    }
    (args.results / "results.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    subprocess.run([sys.executable, "-m", "benchmarks.chart", args.results / "results.json"], check=True)
    print(f"\nwritten: {args.results}/results.json, {args.results}/throughput.svg", file=sys.stderr)


if __name__ == "__main__":
    main()
