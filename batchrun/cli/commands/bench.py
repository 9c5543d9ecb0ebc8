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
      how many runs a second this machine submits, to an emulator in a process of its own
  batchrun bench --runs 3000 --rate 300 --concurrency 32
      how long runs take at 300 a second, counted from when each was meant to be sent
  batchrun bench --base-url http://127.0.0.1:8080 --find-limit --runs 3000
      how well a limit is found: batchrun emulator --port 8080 --rate-limit 100 --burst 100, started elsewhere, has one
"""

DEFAULT_RUNS = 10_000
DEFAULT_CONCURRENCY = 64
UNPACED_PER_S = 1e6
UNPACED_BURST = 1_000


def bench(
    *,
    runs: Annotated[int, typer.Option("--runs", metavar="N", help="Runs to submit.", min=1, max=10_000_000)] = (
        DEFAULT_RUNS
    ),
    concurrency: Annotated[
        int, typer.Option("--concurrency", metavar="N", help="Attempts under way at once.", min=1, max=10_000)
    ] = DEFAULT_CONCURRENCY,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="R", help="Attempts a second; else as fast as they go.")
    ] = None,
    find_limit: Annotated[
        bool, typer.Option("--find-limit", help="Search for the service's limit, as submit does without --rate.")
    ] = False,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url", metavar="URL", help="A service on this machine; else an emulator in a process of its own."
        ),
    ] = None,
    directory: Annotated[
        Path, typer.Option("--directory", metavar="DIR", help="Where the ledger is written: its disk counts.")
    ] = Path(),
    yes: o.Yes = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Measure how fast batches go here: made-up runs, submitted with every safety on.

    Throughput, latency, CPU time a run and retries, with a durable ledger that is removed at the end. With --rate a
    run's latency counts from when the rate meant it to be sent, so that waiting is not hidden; a run whose answer was
    lost takes until it was found. The emulator shares this machine, so its share counts in what is reached. Nothing is
    ever sent to another machine. BATCHRUN_TRANSPORT=httpx measures httpx's own transport.
    """
    if find_limit and rate is not None:
        raise UsageError("--find-limit", "a rate was given, so there is no limit to find", "leave --rate out")
    if rate is not None:
        settings = SubmitSettings(concurrency=concurrency, rate=rate)
        pace = f"{rate:g} a second"
    elif find_limit:
        settings = SubmitSettings(concurrency=concurrency)
        pace = "finding the limit"
    else:
        settings = SubmitSettings(concurrency=concurrency, rate=UNPACED_PER_S, burst=UNPACED_BURST)
        pace = "as fast as they go"
    order = BenchRequest(
        runs=runs,
        settings=settings,
        intended_per_s=rate,
        pace=pace,
        base_url=None if base_url is None else checked_base_url(base_url),
        directory=directory,
        ask=not yes,
    )
    return run_bench(order, Output(as_json=as_json, quiet=quiet))
