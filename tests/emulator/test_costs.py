"""Costs: live, settling and final, unavailable ones, and how they agree with metrics and audit."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from batchrun.emulator.runs.costs import usage_of
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import load_settings
from batchrun.wherobots.usage import WorkloadCostsOutput
from tests.emulator.shapes import checked

Service = Callable[..., httpx.AsyncClient]
T = 1_000_000.0


async def create(client: httpx.AsyncClient, payload: dict[str, Any], owner: str = "key") -> Any:
    answer = await client.post("/runs", params={"region": "r"}, json=payload, headers={"X-API-Key": owner})
    return answer.json()


async def costs(client: httpx.AsyncClient, *ids: str) -> dict[str, Any]:
    answer = await client.post("/usage/costs", json={"kubeAppIds": ids})
    assert answer.status_code == 200
    body = checked(answer, "/usage/costs")
    assert WorkloadCostsOutput.model_validate(body).costs.keys() == body["costs"].keys() == set(ids)
    return dict(body["costs"])


def test_a_cost_grows_then_settles_then_is_final() -> None:
    settings = load_settings(None, {"startup_s": 60, "run_s": 720, "billing_delay_s": 60, "usd_per_unit": "1.1"})
    run = RunStore(settings).commit(name="n", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    found = [(one.status.value, str(one.units), str(one.cost), one.settled_at) for one in (
        usage_of(run, settings, T + second) for second in (30, 420, 790, 839, 840, 9999)
    )]  # fmt: skip
    assert found == [
        ("live", "0.000000", "0.000000", None),
        ("live", "0.500000", "0.550000", None),
        ("settling", "0.950000", "1.045000", None),
        ("settling", "0.950000", "1.045000", None),
        ("final", "1.000000", "1.100000", T + 840),
        ("final", "1.000000", "1.100000", T + 840),
    ]


async def test_costs_are_asked_for_by_the_id_of_the_app(service: Service, payload: dict[str, Any]) -> None:
    client = service(startup_s=0, run_s=0.5, billing_delay_s=0, speed=1000, durations={"runtime": "tiny", "factor": 1})
    run = await create(client, payload)
    app = run["kubeApp"]["id"]
    found = await costs(client, app, run["id"], "app-nothing")
    assert (found[app]["kind"], found[app]["organization_id"]) == ("available", "emulated-organization")
    assert found[run["id"]] == {"kind": "unavailable", "kube_app_id": run["id"], "reason": "not_found"}
    assert found["app-nothing"]["reason"] == "not_found"


async def test_costs_metrics_and_audit_agree_to_the_last_decimal(service: Service, payload: dict[str, Any]) -> None:
    client = service(startup_s=0, run_s=777.777, speed=1e6, billing_delay_s=0, usd_per_unit="0.333333")
    run = await create(client, {**payload, "runtime": "large"})
    app = run["kubeApp"]["id"]
    cost = (await costs(client, app))[app]
    metrics = (await client.get(f"/runs/{run['id']}/metrics")).json()["instant_metrics"]
    (line,) = (await client.get("/_emulator/runs")).text.splitlines()
    audit = json.loads(line)
    assert (audit["cost"], audit["spatialUnits"]) == (cost["cost"], cost["spatial_units"])
    assert cost["status"] == "final"
    assert metrics["COST_USD"]["metric"]["data"]["value"] == float(Decimal(cost["cost"]))
    assert metrics["CONSUMED_SPATIAL_UNITS"]["metric"]["data"]["value"] == float(Decimal(cost["spatial_units"]))


async def test_a_run_of_another_organization_has_no_cost(service: Service, payload: dict[str, Any]) -> None:
    client = service(organizations={"other": "acme"})
    app = (await create(client, payload, "other"))["kubeApp"]["id"]
    assert (await costs(client, app))[app]["reason"] == "not_found"


@pytest.mark.parametrize("reason", ["upstream_error", "upstream_rate_limit", "mixed"])
async def test_the_billing_system_can_fail_for_some_ids_and_not_the_next_time(
    service: Service, payload: dict[str, Any], reason: str
) -> None:
    client = service(cost_error_rate=0.5, cost_error_reason=reason)
    ids = [(await create(client, payload))["kubeApp"]["id"] for _ in range(40)]
    seen: dict[str, set[str]] = {one: set() for one in ids}
    for _ in range(12):
        for one, cost in (await costs(client, *ids)).items():
            seen[one].add(cost.get("reason", "available"))
    assert all("available" in reasons for reasons in seen.values())
    expected = {"upstream_error", "upstream_rate_limit"} if reason == "mixed" else {reason}
    assert set.union(*seen.values()) == expected | {"available"}


@pytest.mark.parametrize("body", [{}, {"kubeAppIds": []}, {"kubeAppIds": ["a"] * 101}, {"kubeAppIds": [1]}, [], "x"])
async def test_anything_but_1_to_100_ids_is_refused(service: Service, body: Any) -> None:
    answer = await service().post("/usage/costs", json=body)
    assert answer.status_code == 422
    assert checked(answer, "/usage/costs")["errors"][0]["code"] == "INVALID_INPUT_ERROR"


async def test_a_hundred_ids_are_answered_and_unknown_properties_pass(service: Service) -> None:
    answer = await service().post("/usage/costs", json={"kubeAppIds": [f"app-{n}" for n in range(100)], "more": 1})
    assert len(answer.json()["costs"]) == 100


@pytest.mark.parametrize("status", [403, 404])
async def test_reading_costs_can_be_refused(service: Service, status: int) -> None:
    answer = await service(refused_calls={"costs": status}).post("/usage/costs", json={"kubeAppIds": ["a"]})
    assert answer.status_code == status


@pytest.mark.parametrize("status", [200, 400, 404, 409])
async def test_cancelling_an_ended_run_can_be_refused(service: Service, payload: dict[str, Any], status: int) -> None:
    client = service(startup_s=0, run_s=0, cancel_ended_status=status)
    run = (await create(client, payload))["id"]
    answer = await client.post(f"/runs/{run}/cancel")
    assert answer.status_code == status
    assert checked(answer, "/runs/{run_id}/cancel")
    assert (await client.get(f"/runs/{run}")).json()["status"] == "COMPLETED"
