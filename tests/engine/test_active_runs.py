"""At most ``max_active`` unfinished runs at the service, as the emulator itself counts them."""

import json
import urllib.request
from pathlib import Path

import pytest
from anyio import to_thread
from pydantic import SecretStr

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.sending.active_runs import ActiveRuns
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.submit import Submission, submit
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport
from tests.tracking.following.runs import CREATED_S, followed, poller

SWEEP = """\
version = 1
[run]
name    = "active-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/x.py"
args    = ["{{n}}"]
[axes]
n = { from = 1001, to = LAST }
"""


def plan_of(runs: int, tmp_path: Path) -> Plan:
    return build_plan(Manifest.parse(SWEEP.replace("LAST", str(1000 + runs)), name="active", directory=tmp_path))


async def submitted(url: str, plan: Plan, path: Path, *, extend: bool = False, **settings: float) -> Submission:
    api = ApiSettings(api_key=SecretStr("k-active"), base_url=url)
    chosen = SubmitSettings.of(plan.submit, concurrency=16, rate=2000, settle_after_s=0.5, **settings)
    async with RunsClient(api, open_transport(api, connections=20)) as client:
        with FileLedger.open(path, create=True) as ledger:
            return await submit(plan, ledger, client, settings=chosen, extend=extend)


def most_active(server: EmulatorServer) -> int:
    with urllib.request.urlopen(f"{server.url}/_emulator/stats") as answer:
        return int(json.load(answer)["active_runs_peak"])


@pytest.mark.slow
async def test_no_more_runs_than_allowed_are_ever_active(tmp_path: Path) -> None:
    plan, path = plan_of(120, tmp_path), tmp_path / "a.ledger.jsonl"
    with EmulatorServer(EmulatorSettings(startup_s=0.1, run_s=0.6)) as server:
        ended = await submitted(server.url, plan, path, max_active=20)
        most = await to_thread.run_sync(most_active, server)
    assert ended.progress.submitted == 120
    assert ended.stop is None
    assert most <= 20
    assert most >= 18


@pytest.mark.slow
async def test_a_resume_counts_what_is_still_active(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.jsonl"
    with EmulatorServer(EmulatorSettings(startup_s=0.1, run_s=1.5)) as server:
        await submitted(server.url, plan_of(10, tmp_path), path)
        ended = await submitted(server.url, plan_of(20, tmp_path), path, max_active=12, extend=True)
        most = await to_thread.run_sync(most_active, server)
    assert ended.progress.submitted >= 10
    assert most <= 12
    assert any(run.status == "COMPLETED" for run in read_state(path).runs.values())


@pytest.mark.slow
async def test_a_quota_that_nobody_told_of_is_found_and_no_run_fails(tmp_path: Path) -> None:
    plan, path = plan_of(60, tmp_path), tmp_path / "a.ledger.jsonl"
    with EmulatorServer(EmulatorSettings(startup_s=0.1, run_s=0.5, quota_runs=10)) as server:
        ended = await submitted(server.url, plan, path)
        most = await to_thread.run_sync(most_active, server)
    assert ended.progress.submitted == 60
    assert ended.progress.failed == 0
    assert most <= 10
    assert read_state(path).refusals["INSUFFICIENT_QUOTA_ERROR"] < 60


def test_a_run_that_had_ended_when_it_was_found_takes_no_room_when_a_quota_is_met() -> None:
    """Nothing would ever be learned of it again, so its room would never be given back."""
    active = ActiveRuns(None, poller(), server_now=lambda: CREATED_S, is_over=lambda: False)
    active.created(followed(1, status="COMPLETED"))
    active.created(followed(2, status="RUNNING"))
    active.quota_refused()
    assert list(active.active) == ["id-2"]
