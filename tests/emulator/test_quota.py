"""Quota and capacity that others hold."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings

Service = Callable[..., httpx.AsyncClient]
T = 1_000_000.0


@pytest.mark.parametrize(("held", "statuses"), [(0, [201, 201, 201, 403]), (2, [201, 403]), (3, [403]), (9, [403])])
async def test_runs_of_others_count_towards_the_quota(
    service: Service, payload: dict[str, Any], held: int, statuses: list[int]
) -> None:
    client = service(quota_runs=3, quota_held=held)
    answers = [await client.post("/runs", params={"region": "r"}, json=payload) for _ in statuses]
    assert [answer.status_code for answer in answers] == statuses
    assert answers[-1].json()["errors"][0]["code"] == "INSUFFICIENT_QUOTA_ERROR"


async def test_the_quota_is_free_again_when_others_release_it(service: Service, payload: dict[str, Any]) -> None:
    client = service(quota_runs=1, quota_held=1, quota_status=429)
    statuses = []
    for held in (1, 0):
        await client.put("/_emulator/config", json={"quota_held": held})
        statuses.append((await client.post("/runs", params={"region": "r"}, json=payload)).status_code)
    assert statuses == [429, 201]


def test_runs_of_others_occupy_slots() -> None:
    store = RunStore(EmulatorSettings(capacity_runs=2, capacity_held=2, startup_s=0, run_s=10))
    run = store.commit(name="n", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    store.advance(T + 100)
    assert run.status_at(T + 100) == "PENDING"
    store.change(EmulatorSettings(capacity_runs=2, capacity_held=1, startup_s=0, run_s=10), T + 100)
    store.advance(T + 105)
    assert run.status_at(T + 105) == "RUNNING"
