"""How well ``max_active`` is kept and used: short runs on the emulator, by the emulator's own count.

    python benchmarks/active.py [--runs 1000] [--max-active 50] [--run-seconds 3]

``used`` is the share of the allowed run-seconds that were used while there was something left to send.
"""

import argparse
import json
import tempfile
import time
import urllib.request
from pathlib import Path

import anyio
from pydantic import SecretStr

from batchrun import FileLedger, Manifest, SubmitSettings, build_plan, submit
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

SWEEP = """\
version = 1
[run]
name    = "active-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/x.py"
args    = ["{{n}}"]
[axes]
n = { from = 100001, to = LAST }
[submit]
max_points = 100000
"""
STARTUP_S = 0.2


async def seconds_to_submit(url: str, runs: int, max_active: int, folder: Path) -> float:
    text = SWEEP.replace("LAST", str(100_000 + runs))
    plan = build_plan(Manifest.parse(text, name="active", directory=folder))
    settings = SubmitSettings(concurrency=16, rate=1000, burst=50, max_active=max_active)
    api = ApiSettings(api_key=SecretStr("benchmark"), base_url=url)
    async with RunsClient(api, open_transport(api, connections=20)) as client:
        with FileLedger.open(folder / "active.ledger.jsonl", create=True) as ledger:
            began = time.perf_counter()
            ended = await submit(plan, ledger, client, settings=settings)
            assert ended.progress.submitted == runs, ended
            return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--max-active", type=int, default=50)
    parser.add_argument("--run-seconds", type=float, default=3.0)
    args = parser.parse_args()
    settings = EmulatorSettings(startup_s=STARTUP_S, run_s=args.run_seconds)
    with tempfile.TemporaryDirectory() as folder, EmulatorServer(settings) as server:
        seconds = anyio.run(seconds_to_submit, server.url, args.runs, args.max_active, Path(folder))
        with urllib.request.urlopen(f"{server.url}/_emulator/stats") as answer:
            stats = json.load(answer)
    # The last window's worth of runs is still active when the last one was created.
    used = (args.runs - args.max_active) * (STARTUP_S + args.run_seconds) / (args.max_active * seconds)
    lists = sum(stats["requests"].get("list", stats["requests"].get("GET /runs", {})).values())
    print(f"{args.runs} runs of {STARTUP_S + args.run_seconds:.1f} s, max_active {args.max_active}")
    print(f"highest number active: {stats['active_runs_peak']}; used: {used:.1%}; {seconds:.1f} s, {lists} list calls")


if __name__ == "__main__":
    main()
