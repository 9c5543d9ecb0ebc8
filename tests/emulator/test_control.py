"""The control endpoints."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from batchrun.wherobots.views import ErrorBody

Service = Callable[..., httpx.AsyncClient]
REGION = {"region": "r"}


async def test_the_audit_lists_every_run_oldest_first(service: Service, payload: dict[str, Any]) -> None:
    client = service(list_lag_s=1000)
    for number in range(1200):
        await client.post("/runs", params=REGION, json={**payload, "name": f"audited-{number}"})
    answer = await client.get("/_emulator/runs")
    assert answer.headers["content-type"].startswith("application/jsonl")
    runs = [json.loads(line) for line in answer.text.splitlines()]
    assert [run["name"] for run in runs] == [f"audited-{number}" for number in range(1200)]
    assert runs[0].keys() >= {"id", "name", "region", "createTime", "status", "payload"}
    assert len({run["id"] for run in runs}) == 1200


async def test_stats_count_requests_by_call_and_status(service: Service, payload: dict[str, Any]) -> None:
    client = service(faults={"conflict": "1@2-2"})
    for _ in range(3):
        await client.post("/runs", params=REGION, json=payload)
    await client.get("/runs/nothing/logs")
    stats = (await client.get("/_emulator/stats")).json()
    assert stats["requests"] == {"POST /runs": {"201": 2, "409": 1}, "GET /runs/{id}/logs": {"404": 1}}
    assert stats["faults"] == {"conflict": 1}
    assert (stats["runs"], stats["active_runs_peak"], stats["requests_at_once_peak"]) == (2, 2, 1)
    assert sum(second["requests"] for second in stats["per_second"]) == 4
    assert sum(second["refused"] for second in stats["per_second"]) == 2


async def test_reset_clears_runs_counters_and_schedules(service: Service, payload: dict[str, Any]) -> None:
    client = service(faults={"conflict": "1@1-1"})
    for _ in range(2):
        statuses = [(await client.post("/runs", params=REGION, json=payload)).status_code for _ in range(2)]
        assert statuses == [409, 201]
        await client.post("/_emulator/reset")
        assert (await client.get("/_emulator/runs")).text == ""
        assert (await client.get("/_emulator/stats")).json()["requests"] == {}


async def test_reset_restarts_limits_and_key_expiry(service: Service) -> None:
    client = service(rate_limit_per_s=0.01, key_expires_after_requests=2)
    for _ in range(2):
        assert [(await client.get("/runs")).status_code for _ in range(3)] == [200, 429, 401]
        await client.post("/_emulator/reset")


async def test_settings_can_be_changed_while_it_runs(service: Service) -> None:
    client = service(faults={"conflict": 0.5})
    changed = await client.put("/_emulator/config", json={"rate_limit_per_s": 0.1, "faults": {"quota": "0.1@5-"}})
    assert changed.status_code == 200
    assert changed.json()["faults"]["conflict"]["probability"] == 0.5
    assert changed.json()["faults"]["quota"] == {"probability": 0.1, "from_request": 5, "to_request": None}
    assert [(await client.get("/runs")).status_code for _ in range(2)] == [200, 429]
    await client.put("/_emulator/config", json={"speed": 2})
    assert (await client.get("/runs")).status_code == 429  # unrelated changes keep the limiter
    await client.put("/_emulator/config", json={"rate_limit_per_s": None})
    assert [(await client.get("/runs")).status_code for _ in range(3)] == [200] * 3


async def test_an_invalid_setting_is_reported_and_changes_nothing(service: Service) -> None:
    client = service()
    answer = await client.put("/_emulator/config", json={"rate_limit_per_s": -1, "speeed": 2})
    assert answer.status_code == 422
    body = ErrorBody.model_validate_json(answer.content)
    assert {error.path for error in body.errors} == {"body.rate_limit_per_s", "body.speeed"}
    assert (await client.get("/_emulator/config")).json()["rate_limit_per_s"] is None


async def test_the_settings_never_show_the_key(service: Service) -> None:
    client = service(api_key="very-secret")
    assert "very-secret" not in (await client.get("/_emulator/config")).text
    assert "very-secret" not in (await client.put("/_emulator/config", json={"speed": 2})).text
    assert (await client.get("/runs", headers={"X-API-Key": "very-secret"})).status_code == 200
