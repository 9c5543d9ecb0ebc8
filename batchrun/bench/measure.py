"""One timed batch: made-up runs, submitted as ``batchrun submit`` does, against a service on this machine."""

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
from batchrun.ledger.ledger import Ledger
from batchrun.sweep.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transport import open_transport

__all__ = ["made_up_plan", "measure"]

SPARE_CONNECTIONS = 2
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""``ru_maxrss`` is in bytes on macOS and in kilobytes elsewhere."""
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


def made_up_plan(runs: int) -> Plan:
    """So many runs of one job, with names that no earlier batch has used."""
    mark = f"{time.time_ns():x}"
    text = SWEEP.format(mark=mark, runs=runs)
    return build_plan(Manifest.parse(text, name=f"bench-{mark}", directory=Path()))


async def measure(
    runs: int,
    api: ApiSettings,
    ledger: Path,
    *,
    settings: SubmitSettings,
    intended_per_s: float | None,
    observer: Observer,
    switch: StopSwitch,
) -> tuple[Figures, Submission]:
    """Make a plan of ``runs`` runs, submit it with a new ledger, and time both.

    ``intended_per_s`` is the rate by which each run's time begins; None begins it with the run's first sending.

    Raises:
        LedgerError: the ledger cannot be written.

    """
    began = time.perf_counter()
    plan = made_up_plan(runs)
    plan_s = time.perf_counter() - began
    carrier = open_transport(api, connections=settings.concurrency + SPARE_CONNECTIONS)
    stopwatch = Stopwatch(carrier)
    with Ledger.open(ledger, create=True) as opened:
        async with RunsClient(api, stopwatch) as client:
            began, cpu_began = time.perf_counter(), time.process_time()
            submission = await submit(plan, opened, client, settings=settings, observer=observer, switch=switch)
            submit_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    progress, run_s = submission.progress, array("d", stopwatch.runs_s(intended_per_s))
    figures = Figures(
        runs=plan.runs,
        submitted=progress.submitted,
        attempts=progress.attempts,
        retries=progress.retries,
        settled=progress.settled,
        plan_s=plan_s,
        submit_s=submit_s,
        cpu_s=cpu_s,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT,
        run=Latency.of(run_s),
        answer=Latency.of(stopwatch.answers_s),
        bins=histogram(run_s),
    )
    return figures, submission
