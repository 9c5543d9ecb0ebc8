"""How many read requests it takes to follow a batch, and how soon a change is known: on a clock that jumps.

    python -m benchmarks.following [--runs 1000] [--at-once 50] [--order newest|oldest|random] [--created-at-once]

A run starts 90 s after its creation and works for five minutes, give or take half of that. The emulator is in this process
and counts the calls itself; hours pass in seconds, because the clock of the event loop jumps. ``--created-at-once``: all runs
are created first and wait at the service, which runs some at once, instead of ``max_active`` in the sweep.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from batchrun import FileLedger, Manifest, RunsClient, SubmitSettings, build_plan, submit
from batchrun.emulator.http.app import create_app
from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.pacing.pacer import Pacer
from batchrun.ledger.clock import epoch_seconds
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.changes import Change
from batchrun.wherobots.settings import ApiSettings
from tests.engine.virtual_time import VirtualClock

__all__ = ["followed"]

URL = "http://127.0.0.1:1"
STARTUP_S, RUN_S = 90.0, 300.0
POLL_S = 15.0
SWEEP = """\
version = 1
[run]
name    = "follow-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/x.py"
args    = ["{{n}}"]
[axes]
n = { from = 100001, to = LAST }
[submit]
max_points = 1000000
"""


async def follow(args: argparse.Namespace, folder: Path, clock: VirtualClock) -> dict[str, Any]:
    capacity = args.at_once if args.created_at_once else None
    settings = EmulatorSettings(
        startup_s=STARTUP_S, run_s=RUN_S, run_spread=0.5, list_order=args.order, capacity_runs=capacity
    )
    app = create_app(settings)
    plan = build_plan(Manifest.parse(SWEEP.replace("LAST", str(100_000 + args.runs)), name="follow", directory=folder))
    path, delays, began_s = folder / "follow.ledger.jsonl", list[float](), clock.now_s

    def learned(change: Change) -> None:
        at = change.complete_time if change.is_final else change.start_time
        if at is not None:
            delays.append(clock.time() - epoch_seconds(at))

    api = ApiSettings(api_key="k-benchmark", base_url=URL)
    async with RunsClient(api, httpx.ASGITransport(app)) as client:
        with FileLedger.open(path, create=True) as ledger:
            max_active = None if args.created_at_once else args.at_once
            chosen = SubmitSettings(rate=50, concurrency=16, max_active=max_active)
            ended = await submit(plan, ledger, client, settings=chosen, on_change=learned)
            assert ended.progress.submitted == args.runs, ended
        follower = await BatchFollower.open(
            path, client, wait_for_read=anyio.lowlevel.checkpoint, on_change=learned, on_note=print
        )
        await follower.run()
        assert follower.statuses == {"COMPLETED": args.runs}, follower.statuses
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as control:
            stats = (await control.get("/_emulator/stats")).json()
    return {"stats": stats, "delays": delays, "seconds": clock.now_s - began_s}


def followed(args: argparse.Namespace) -> dict[str, Any]:
    """What the emulator counted, and how late changes were known."""
    patch, clock = pytest.MonkeyPatch(), VirtualClock()
    clock.install(patch)
    # Its default was bound to the clock of the process when the class was made.
    defaults = Pacer.__init__.__kwdefaults__
    assert defaults is not None
    patch.setitem(defaults, "now", clock.monotonic)
    name, options = clock.backend
    try:
        with tempfile.TemporaryDirectory() as folder:
            found: dict[str, Any] = anyio.run(follow, args, Path(folder), clock, backend=name, backend_options=options)
    finally:
        patch.undo()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--order", choices=("newest", "oldest", "random"), default="newest")
    parser.add_argument("--created-at-once", action="store_true")
    args = parser.parse_args()
    real_s = time.perf_counter()
    found = followed(args)
    calls, delays = found["stats"]["calls"], sorted(found["delays"])
    alive_s = STARTUP_S + RUN_S
    one_by_one = args.runs * alive_s / POLL_S
    print(f"{args.runs:,} runs, {args.at_once:,} at once, lists {args.order} first: {found['seconds'] / 3600:.1f} h")
    print(f"read requests: {found['stats']['reading_calls']:,} ({json.dumps(calls)})")
    print(f"one GET for each active run every {POLL_S:.0f} s: about {one_by_one:,.0f}, and more for those that wait")
    p50, p95 = quantiles(delays, n=20)[9], quantiles(delays, n=20)[18]
    print(f"a change is known after: median {p50:.1f} s, 95 % {p95:.1f} s, at most {delays[-1]:.1f} s")
    print(f"took {time.perf_counter() - real_s:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
