"""Time one batch of synthetic runs, submitted like ``batchrun submit`` does, to a service on this machine."""

import resource
import sys
import time
from array import array
from pathlib import Path

from batchrun.bench.figures import Figures, Latency, histogram
from batchrun.bench.stopwatch import Stopwatch
from batchrun.engine.progress import Observer
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submit import Submission, submit
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import SubmittedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState
from batchrun.ledger.reader import read_events, read_state
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["measure", "synthetic_plan"]

SPARE_CONNECTIONS = 2  # for listing, as in submit
UNSENT = "UNSENT"
"""The refusal code in the ledger of an attempt that a pause or a stop held back, so that nothing was sent."""
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""``ru_maxrss`` is in bytes on macOS and in kilobytes elsewhere (getrusage(2))."""
SWEEP = """\
version = 1

[run]
name    = "bench-{mark}-{{{{tile}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://bench/jobs/tile.py"
args    = ["--tile", "{{{{tile}}}}", "--out", "s3://bench/out/{{{{tile}}}}"]

[run.spark]
spark.sql.shuffle.partitions = 200

[axes]
tile = {{ from = 1, to = {runs} }}

[submit]
max_points = {runs}
"""


def synthetic_plan(runs: int) -> Plan:
    """A plan of that many runs of one job, with names that no earlier benchmark used."""
    mark = f"{time.time_ns():x}"
    text = SWEEP.format(mark=mark, runs=runs)
    return build_plan(Manifest.parse(text, name=f"bench-{mark}", directory=Path()))


async def measure(
    plan: Plan,
    api: ApiSettings,
    ledger: Path,
    *,
    settings: SubmitSettings,
    plan_s: float,
    intended_per_s: float | None,
    observer: Observer,
    switch: StopSwitch,
) -> tuple[Figures, Submission]:
    """Submit a plan with a new ledger and time it. Planning took ``plan_s``, which is passed through to the figures.

    ``intended_per_s`` is the rate by which runs are scheduled, from which their latency counts; None counts it from a
    run's first attempt.

    Raises:
        LedgerError: the ledger cannot be written.

    """
    stopwatch = Stopwatch(open_transport(api, connections=settings.concurrency + SPARE_CONNECTIONS))
    with FileLedger.open(ledger, create=True) as opened:
        async with RunsClient(api, stopwatch) as client:
            started, cpu_started, epoch_s = time.perf_counter(), time.process_time(), time.time()
            submission = await submit(plan, opened, client, settings=settings, observer=observer, switch=switch)
            submit_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    # From here on the clock has stopped; reading the ledger again costs the figures nothing.
    progress = submission.progress
    if progress.settled:
        _time_settled(plan, ledger, stopwatch, started - epoch_s)
    state = read_state(ledger) if stopwatch.attempts > progress.submitted else BatchState()
    run_s = array("d", stopwatch.run_latencies_s(intended_per_s))
    figures = Figures(
        runs=plan.runs,
        submitted=progress.submitted,
        attempts=stopwatch.attempts,
        retries=stopwatch.attempts - stopwatch.runs,  # by requests: the engine also counts attempts that never left
        settled=progress.settled,
        refused={code: count for code, count in state.refusals.items() if code != UNSENT},
        limit_per_s=(state.rate or {}).get("rate_per_s"),
        plan_s=plan_s,
        submit_s=submit_s,
        cpu_s=cpu_s,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT,
        run=Latency.of(run_s),
        response=Latency.of(stopwatch.responses_s),
        bins=histogram(run_s),
    )
    return figures, submission


def _time_settled(plan: Plan, ledger: Path, stopwatch: Stopwatch, offset_s: float) -> None:
    """Count runs whose response was lost until they were found: leaving out the slowest runs would flatter the result."""
    found_s = {
        event.key: epoch_seconds(event.at)
        for event in read_events(ledger)
        if isinstance(event, SubmittedEvent) and event.via == "settled"
    }
    for run in plan:
        if run.key in found_s:
            stopwatch.mark_found(run.body, found_s[run.key] + offset_s)
