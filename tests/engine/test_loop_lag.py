"""What walks through a whole plan or ledger leaves the event loop alone: no callback takes more than 50 ms of CPU time.

CPU time of the loop's own thread, because a busy machine makes everything else take any time.
"""

import gc
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import anyio
import httpx
import pytest
from pydantic import SecretStr

from batchrun.engine.batch import new_batch
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.submit import Submission, submit
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import BatchState, Outcome, RunState
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.engine.service import SWEEP, URL

KNOWN, NEW = 300_000, 30
IDS = count()
MOST_S = 0.05
BODY = b'{"name":"n","runPython":{"args":[],"uri":"s3://a/b.py"},"runtime":"tiny","timeoutSeconds":3600}'


class Worst:
    """The most CPU time that this thread used between two turns of one task."""

    def __init__(self) -> None:
        self.s = 0.0

    async def watch(self) -> None:
        last_s = time.thread_time()
        while True:
            await anyio.sleep(0.002)
            now_s = time.thread_time()
            self.s = max(self.s, now_s - last_s)
            last_s = now_s


@pytest.fixture
def untroubled() -> Iterator[None]:
    """No collection looks through a million objects meanwhile; the command freezes them for the same reason."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def plan() -> Plan:
    runs = [
        PlannedRun(number, f"{number:016x}", f"tile-run-{number}", "aws-us-west-2", BODY, b"{}")
        for number in range(KNOWN + NEW)
    ]
    manifest = Manifest.parse(SWEEP.replace("LAST", "1"), name="tiles", directory=Path())
    return Plan(name="tiles", runs=len(runs), sha256="x", source=runs, manifest=manifest, name_prefix="tile-run-")


def submitted_before(state: BatchState, runs: Plan, *, status: str) -> None:
    """As if all but the last few had been submitted by an earlier session, and some were sent without an answer."""
    for number, planned in enumerate(runs):
        if number >= KNOWN:
            return
        run = state.runs[planned.key] = RunState()
        run.run_id, run.status, run.n = f"r{number}", status, 1
        run.outcome = Outcome.SUBMITTED
        state.counts[Outcome.SUBMITTED] += 1


def respond(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(201, json={"id": f"new-{next(IDS)}", "status": "PENDING"})
    if request.url.path == "/organization":
        return httpx.Response(200, json={"id": "org"})
    if request.url.path.startswith("/runs/"):
        return httpx.Response(200, json={"id": request.url.path[6:], "name": "n", "status": "COMPLETED"})
    return httpx.Response(200, json={"items": [], "total": 0, "next_page": None})


async def resumed(folder: Path, *, status: str, settings: SubmitSettings) -> tuple[Submission, float]:
    runs, worst = plan(), Worst()
    with FileLedger.open(folder / "x.ledger.jsonl", create=True) as ledger:
        await ledger.begin(new_batch(runs, URL))
        submitted_before(ledger.state, runs, status=status)
        ledger.state.organization = "org"
        api = ApiSettings(api_key=SecretStr("k-lag"), base_url=URL)
        async with RunsClient(api, httpx.MockTransport(respond)) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(worst.watch)
            submission = await submit(runs, ledger, client, settings=settings)
            tasks.cancel_scope.cancel()
    return submission, worst.s


@pytest.mark.slow
@pytest.mark.usefixtures("untroubled")
async def test_a_batch_of_which_nearly_all_is_submitted_is_resumed_without_blocking_the_loop(tmp_path: Path) -> None:
    submission, worst_s = await resumed(tmp_path, status="COMPLETED", settings=SubmitSettings(rate=1000.0))
    assert submission.progress.submitted == KNOWN + NEW
    assert worst_s < MOST_S


@pytest.mark.slow
@pytest.mark.usefixtures("untroubled")
async def test_unfinished_runs_of_earlier_sessions_are_counted_without_blocking_the_loop(tmp_path: Path) -> None:
    settings = SubmitSettings(rate=1000.0, max_active=2 * (KNOWN + NEW))
    submission, worst_s = await resumed(tmp_path, status="RUNNING", settings=settings)
    assert submission.progress.submitted == KNOWN + NEW
    assert worst_s < MOST_S
