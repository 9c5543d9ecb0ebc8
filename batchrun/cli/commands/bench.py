"""``batchrun bench``."""

from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.benching import BenchRequest, run_bench
from batchrun.cli.output import Output
from batchrun.engine.settings import SubmitSettings
from batchrun.errors import UsageError
from batchrun.wherobots.settings import checked_base_url

__all__ = ["EXAMPLES", "bench"]

EXAMPLES = """
Examples:

\b
  batchrun bench
      runs submitted per second by this machine, to an emulator in a separate process
  batchrun bench --runs 3000 --rate 300 --concurrency 32
      latency at 300 runs per second, counted from when each run was scheduled
  batchrun bench --base-url http://127.0.0.1:8080 --find-limit --runs 3000
      how well batchrun finds the limit of a service, here one started in another terminal with
      batchrun emulator --port 8080 --rate-limit 100 --burst 100
"""

DEFAULT_RUNS = 10_000
DEFAULT_CONCURRENCY = 64
UNPACED_PER_S = 100_000.0
UNPACED_BURST = 1_000
"""A rate far above what any service can reach: without a rate, submit would search for the limit."""


def bench(
    *,
    runs: Annotated[
        int, typer.Option("--runs", metavar="N", help="Number of runs to submit.", min=1, max=10_000_000)
    ] = (DEFAULT_RUNS),
    concurrency: Annotated[
        int, typer.Option("--concurrency", metavar="N", help="Maximum attempts in flight at once.", min=1, max=10_000)
    ] = DEFAULT_CONCURRENCY,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="R", help="Attempts per second; by default as fast as possible.")
    ] = None,
    find_limit: Annotated[
        bool, typer.Option("--find-limit", help="Find the service's rate limit, as submit does without --rate.")
    ] = False,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url", metavar="URL", help="A service on this machine; by default an emulator in a separate process."
        ),
    ] = None,
    directory: Annotated[
        Path,
        typer.Option("--directory", metavar="DIR", help="Where to write the ledger; the speed of its disk matters."),
    ] = Path(),
    yes: o.Yes = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Measure submission throughput on this machine with synthetic runs and all safety measures enabled.

    Reports throughput, latency, CPU time per run and retries. The ledger is synced to disk as usual, and deleted at the
    end. With --rate, a run's latency counts from when it was scheduled, so time spent waiting is included. A run whose
    response was lost counts until it is found. The emulator uses the same CPUs, which lowers the result. Nothing is ever
    sent to another machine. Set BATCHRUN_TRANSPORT=httpx to measure the httpx transport.
    """
    if find_limit and rate is not None:
        raise UsageError("--find-limit", "cannot be used with --rate", "remove one of them")
    if rate is not None:
        settings = SubmitSettings(concurrency=concurrency, rate=rate)
        pace = f"{rate:g} per second"
    elif find_limit:
        settings = SubmitSettings(concurrency=concurrency)
        pace = "finding the rate limit"
    else:
        settings = SubmitSettings(concurrency=concurrency, rate=UNPACED_PER_S, burst=UNPACED_BURST)
        pace = "as fast as possible"
    request = BenchRequest(
        runs=runs,
        settings=settings,
        intended_per_s=rate,
        pace=pace,
        base_url=None if base_url is None else checked_base_url(base_url),
        directory=directory,
        ask=not yes,
    )
    return run_bench(request, Output(as_json=as_json, quiet=quiet))
