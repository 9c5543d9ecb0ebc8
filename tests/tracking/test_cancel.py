"""Cancelling against a real emulator: every request is durable first, and one failure stops no other."""

from pathlib import Path

import anyio
import pytest

from batchrun.ledger.events import CancelEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events
from batchrun.tracking.cancel import Cancellation, Target, cancel_runs
from tests.tracking.conftest import READER, Emulating, Service
from tests.tracking.test_costs import batch

pytestmark = pytest.mark.anyio


async def targets(service: Service) -> list[Target]:
    held = await service.audit("/_emulator/runs")
    return [Target(key=f"{n:016x}", run_id=run["id"], name=run["name"]) for n, run in enumerate(held)]


async def cancelled(service: Service, path: Path) -> Cancellation:
    with FileLedger.open(path) as ledger:
        return await cancel_runs(ledger, service.client, await targets(service), reader=READER)


async def statuses(service: Service) -> set[str]:
    return {run["status"] for run in await service.audit("/_emulator/runs")}


async def test_active_runs_are_cancelled_whatever_goes_wrong_on_the_way(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=60, call_faults={"error": 0.1}, call_faults_on=["cancel"])
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 120, path, with_apps=False)
    result = await cancelled(service, path)
    assert (len(result.requested), result.had_ended, result.problems) == (120, [], [])
    assert await statuses(service) == {"CANCELLED"}
    asked = [event.run_id for event in read_events(path) if isinstance(event, CancelEvent)]
    assert len(asked) == len(set(asked)) == 120


async def test_cancelling_again_does_no_harm(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=60)
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 3, path, with_apps=False)
    await cancelled(service, path)
    again = await cancelled(service, path)
    assert again.problems == []
    assert again.done == 3


async def test_a_run_that_has_ended_is_said_to_have(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=0.05, cancel_ended_status=409)
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 2, path, with_apps=False)
    while await statuses(service) != {"COMPLETED"}:  # noqa: ASYNC110 - a service, which has no event
        await anyio.sleep(0.02)
    result = await cancelled(service, path)
    assert (len(result.had_ended), result.requested, result.problems) == (2, [], [])
    assert await statuses(service) == {"COMPLETED"}


async def test_where_cancelling_is_refused_each_run_says_so(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=60, refused_calls={"cancel": 403})
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 2, path, with_apps=False)
    result = await cancelled(service, path)
    assert sorted(problem.place for problem in result.problems) == ["tracked-0", "tracked-1"]
    assert all("403" in problem.fact for problem in result.problems)
