"""What walks through a whole plan or ledger leaves the event loop alone: no callback takes more than 50 ms of CPU time.

CPU time of the loop's own thread, because a busy machine makes everything else take any time.
"""

import gc
import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from pydantic import SecretStr

from batchrun.engine.batch import new_batch
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.submit import Submission, submit
from batchrun.ledger.clock import timestamp
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import BatchState, Outcome, RunState
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.clock import steady_now
from batchrun.wherobots.settings import ApiSettings
from tests.engine.service import SWEEP, URL

KNOWN, UNKNOWN, NEW = 300_000, 1_000, 30
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


def sent_before(state: BatchState, runs: Plan, *, status: str, unknown: int) -> None:
    """As if an earlier session had sent all but the last few, some of them without an answer."""
    for number, planned in enumerate(runs):
        if number >= KNOWN:
            return
        run = state.runs[planned.key] = RunState()
        run.n = 1
        if number < KNOWN - unknown:
            run.run_id, run.status, run.outcome = f"r{number}", status, Outcome.SUBMITTED
        else:
            run.outcome, run.name, run.unsettled = Outcome.UNKNOWN, planned.name, True
            run.since, run.since_n = (timestamp(steady_now() - 1), 0.0), 1
        state.counts[run.outcome] += 1


async def respond(request: httpx.Request) -> httpx.Response:
    await anyio.lowlevel.checkpoint()  # as a network lets others run
    if request.method == "POST":
        return httpx.Response(201, json={"id": f"new-{next(IDS)}", "status": "PENDING"})
    if request.url.path == "/organization":
        return httpx.Response(200, json={"id": "org"})
    if request.url.path.startswith("/runs/"):
        return httpx.Response(200, json={"id": request.url.path[6:], "name": "n", "status": "COMPLETED"})
    return httpx.Response(200, json=page(request.url.params))


def page(query: httpx.QueryParams) -> dict[str, Any]:
    """Of the list of runs that were sent without an answer."""
    name, first = query.get("name", "*"), int(query.get("cursor", 0))
    unknown = range(KNOWN - UNKNOWN, KNOWN)
    if not name.endswith("*"):
        unknown = unknown[:0]
    common = {"status": "RUNNING", "createTime": timestamp(steady_now()), "payload": json.loads(BODY)}
    items = [{"id": f"r{number}", "name": f"tile-run-{number}", **common} for number in unknown[first : first + 100]]
    return {
        "items": items,
        "total": len(unknown),
        "next_page": str(first + 100) if first + 100 < len(unknown) else None,
    }


async def resumed(folder: Path, *, status: str, settings: SubmitSettings, unknown: int = 0) -> tuple[Submission, float]:
    runs, worst = plan(), Worst()
    with FileLedger.open(folder / "x.ledger.jsonl", create=True) as ledger:
        await ledger.begin(new_batch(runs, URL))
        sent_before(ledger.state, runs, status=status, unknown=unknown)
        ledger.state.organization = "org"
        api = ApiSettings(api_key=SecretStr("k-lag"), base_url=URL)
        async with RunsClient(api, httpx.MockTransport(respond)) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(worst.watch)
            submission = await submit(runs, ledger, client, settings=settings)
            tasks.cancel_scope.cancel()
    return submission, worst.s


@pytest.mark.slow
@pytest.mark.usefixtures("untroubled")
async def test_what_is_unknown_among_many_submitted_runs_is_found_and_settled_without_blocking_the_loop(
    tmp_path: Path,
) -> None:
    settings = SubmitSettings(rate=1000.0, settle_after_s=1.0)
    submission, worst_s = await resumed(tmp_path, status="COMPLETED", settings=settings, unknown=UNKNOWN)
    assert (submission.progress.submitted, submission.progress.settled) == (KNOWN + NEW, UNKNOWN)
    assert worst_s < MOST_S


@pytest.mark.slow
@pytest.mark.usefixtures("untroubled")
async def test_unfinished_runs_of_earlier_sessions_are_counted_without_blocking_the_loop(tmp_path: Path) -> None:
    settings = SubmitSettings(rate=1000.0, max_active=2 * (KNOWN + NEW))
    submission, worst_s = await resumed(tmp_path, status="RUNNING", settings=settings)
    assert submission.progress.submitted == KNOWN + NEW
    assert worst_s < MOST_S
