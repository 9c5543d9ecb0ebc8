"""Quotas, hints, and what an organization may not create."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.emulator.shapes import checked

Service = Callable[..., httpx.AsyncClient]
HINT = "/me/jupyter/lab/config-hint"
QUOTA = "/organization/quota/organization"
RESTRICTED: dict[str, Any] = {
    "enforce_organization": True,
    "allowed_regions": ["aws-us-west-2", "aws-eu-west-1"],
    "region_availability": {"aws-eu-west-1": "UNAVAILABLE"},
    "disabled_runtimes": ["large"],
    "quotas": {"WORKLOAD_LIFETIME_HOUR": 2, "DISK_PER_NODE_GB": 100},
}


async def test_the_organization_shows_plan_features_and_regions(service: Service) -> None:
    client = service(plan="COMMUNITY", cloud_features=["RUNS", "MCP_ACCESS"], allowed_regions=["r1", "r2"])
    found = checked(await client.get("/organization"), "/organization")
    shown = (found["plan"], found["wherobotsCloudFeatures"], found["allowedRegions"])
    assert shown == ("COMMUNITY", ["RUNS", "MCP_ACCESS"], ["r1", "r2"])


async def test_quotas_are_numbers_by_type(service: Service) -> None:
    assert checked(await service(**RESTRICTED).get(QUOTA), QUOTA) == RESTRICTED["quotas"]
    assert checked(await service().get(QUOTA), QUOTA)["WORKLOAD_LIFETIME_HOUR"] == 168


async def test_hints_list_every_runtime_with_its_units_and_every_region(service: Service) -> None:
    hints = checked(await service(**RESTRICTED).get(HINT), HINT)
    runtimes = {one["id"]: one for one in hints["runtimes"]["hint"]}
    assert len(runtimes) == 23
    assert (runtimes["tiny"]["maximumSpatialUnitsPerHour"], runtimes["micro"]["maximumSpatialUnitsPerHour"]) == (5, 1)
    assert [name for name, one in runtimes.items() if not one["enabled"]] == ["large"]
    assert (runtimes["2x-large-himem"]["size"], runtimes["2x-large-himem"]["tags"]) == ("XXLARGE", ["HIMEM"])
    assert runtimes["tiny-a10-gpu"]["instanceDetails"]["gpu_type"] == "NVIDIA A10G"
    regions = {one["regionName"]: (one["availability"], one["enabled"]) for one in hints["regions"]["hint"]}
    assert regions == {"aws-us-west-2": ("AVAILABLE", True), "aws-eu-west-1": ("UNAVAILABLE", False)}


@pytest.mark.parametrize("path", [HINT, QUOTA])
async def test_both_can_be_refused(service: Service, path: str) -> None:
    kind = "config_hint" if path == HINT else "quota"
    assert (await service(refused_calls={kind: 403}).get(path)).status_code == 403
    assert (await service(key="").get(path)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "region", "settings", "status"),
    [
        ({}, "aws-us-west-2", {}, 201),
        ({}, "aws-us-east-1", {}, 400),
        ({}, "aws-eu-west-1", {}, 400),
        ({"runtime": "large"}, "aws-us-west-2", {}, 400),
        ({"environment": {"sparkDriverDiskGB": 101}}, "aws-us-west-2", {}, 400),
        ({"environment": {"sparkExecutorDiskGB": 100}}, "aws-us-west-2", {}, 201),
        ({}, "aws-us-west-2", {"plan": "COMMUNITY"}, 403),
        ({}, "aws-us-west-2", {"cloud_features": []}, 403),
    ],
)
async def test_what_is_not_allowed_is_refused(
    service: Service, payload: dict[str, Any], changes: dict[str, Any], region: str, settings: Any, status: int
) -> None:
    client = service(**{**RESTRICTED, **settings})
    assert (await client.post("/runs", params={"region": region}, json=payload | changes)).status_code == status


async def test_a_timeout_is_cut_to_the_life_of_a_workload(service: Service, payload: dict[str, Any]) -> None:
    client = service(**RESTRICTED, startup_s=0, run_s=10_000, speed=1e9)
    run = (
        await client.post("/runs", params={"region": "aws-us-west-2"}, json=payload | {"timeoutSeconds": 9999})
    ).json()
    found = (await client.get(f"/runs/{run['id']}")).json()
    assert (found["status"], "7200 seconds" in found["kubeApp"]["message"]) == ("TIMED_OUT", True)


async def test_nothing_is_enforced_unless_asked(service: Service, payload: dict[str, Any]) -> None:
    client = service(**{**RESTRICTED, "enforce_organization": False})
    answer = await client.post("/runs", params={"region": "anywhere"}, json=payload | {"runtime": "large"})
    assert answer.status_code == 201
