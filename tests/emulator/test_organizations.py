"""Several organizations, one for each API key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.emulator.settings import EmulatorSettings, with_changes
from batchrun.wherobots.organization import Organization
from tests.emulator.shapes import CALLS

Service = Callable[..., httpx.AsyncClient]
KEYS = {"key-of-acme": "acme", "key-of-globex": "globex", "other-key-of-acme": "acme"}
SCHEMAS_OF_AN_ORGANIZATION = (
    "Organization",
    "FileStore",
    "StorageIntegrationDetails",
    "Plan",
    "OrganizationState",
    "SamlSsoStatus",
    "WherobotsCloudFeature",
)


def key(name: str) -> dict[str, str]:
    return {"X-API-Key": name}


async def create(client: httpx.AsyncClient, payload: dict[str, Any], owner: str, name: str = "owned-run") -> Any:
    return await client.post("/runs", params={"region": "r"}, json={**payload, "name": name}, headers=key(owner))


async def names(client: httpx.AsyncClient, owner: str) -> list[str]:
    return [run["name"] for run in (await client.get("/runs", headers=key(owner))).json()["items"]]


async def test_a_key_sees_only_the_runs_of_its_organization(service: Service, payload: dict[str, Any]) -> None:
    client = service(organizations=KEYS)
    run = (await create(client, payload, "key-of-acme", "acmes-run")).json()
    await create(client, payload, "key-of-globex", "globexs-run")
    await create(client, payload, "unlisted", "somebodys-run")
    assert await names(client, "key-of-acme") == await names(client, "other-key-of-acme") == ["acmes-run"]
    assert await names(client, "key-of-globex") == ["globexs-run"]
    assert await names(client, "unlisted") == ["somebodys-run"]
    for method, path in (("GET", ""), ("GET", "/logs"), ("GET", "/metrics"), ("POST", "/cancel")):
        url = f"/runs/{run['id']}{path}"
        assert (await client.request(method, url, headers=key("key-of-globex"))).status_code == 404
        assert (await client.request(method, url, headers=key("other-key-of-acme"))).status_code == 200
    audit = [json.loads(line) for line in (await client.get("/_emulator/runs")).text.splitlines()]
    assert [one["organization"] for one in audit] == ["acme", "globex", "emulated-organization"]


async def test_a_run_names_its_organization(service: Service, payload: dict[str, Any]) -> None:
    client = service(organizations=KEYS)
    for owner, organization in (("key-of-acme", "acme"), ("unlisted", "emulated-organization")):
        run = (await create(client, payload, owner)).json()
        assert run["triggeredBy"]["roles"][0]["organizationId"] == organization


async def test_with_an_api_key_only_listed_keys_are_accepted_too(service: Service) -> None:
    client = service(organizations=KEYS, api_key="right")
    statuses = [(await client.get("/runs", headers=key(one))).status_code for one in ("right", "key-of-acme", "wrong")]
    assert statuses == [200, 200, 401]


async def test_quota_and_capacity_are_those_of_one_organization(service: Service, payload: dict[str, Any]) -> None:
    client = service(organizations=KEYS, quota_runs=2, capacity_runs=1, startup_s=0, run_s=100)
    acme = [(await create(client, payload, "key-of-acme")) for _ in range(3)]
    globex = [(await create(client, payload, "key-of-globex")) for _ in range(2)]
    assert [answer.status_code for answer in acme] == [201, 201, 403]
    assert [answer.status_code for answer in globex] == [201, 201]
    found = [
        (await client.get(f"/runs/{answer.json()['id']}", headers=key(owner))).json()["status"]
        for owner, answer in (("key-of-acme", acme[0]), ("key-of-acme", acme[1]), ("key-of-globex", globex[0]))
    ]
    assert found == ["RUNNING", "PENDING", "RUNNING"]


async def test_organizations_survive_a_restart(service: Service, payload: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    client = service(organizations=KEYS, state_file=state)
    await create(client, payload, "key-of-acme", "acmes-run")
    restarted = service(organizations=KEYS, state_file=state)
    assert await names(restarted, "key-of-acme") == ["acmes-run"]
    assert await names(restarted, "key-of-globex") == []


async def test_the_organization_of_a_key_can_be_read(service: Service) -> None:
    client = service(organizations=KEYS, default_region="aws-eu-west-1")
    answer = await client.get("/organization", headers=key("key-of-globex"))
    organization = Organization.model_validate_json(answer.content)
    assert (organization.id, organization.default_region) == ("globex", "aws-eu-west-1")
    assert answer.json()["wherobotsCloudFeatures"] == ["RUNS"]
    assert (await client.get("/organization")).json()["id"] == "emulated-organization"
    stats = (await client.get("/_emulator/stats")).json()
    assert stats["requests"] == {"GET /organization": {"200": 2}}


@pytest.mark.parametrize(("status", "code"), [(403, "INSUFFICIENT_PERMISSIONS_ERROR"), (404, "NOT_FOUND_ERROR")])
async def test_reading_the_organization_can_be_refused(service: Service, status: int, code: str) -> None:
    client = service(organization_status=status)
    answer = await client.get("/organization")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert (await client.get("/runs")).status_code == 200


async def test_the_organization_needs_a_key_and_counts_towards_the_limit(service: Service) -> None:
    assert (await service(key="").get("/organization")).status_code == 401
    client = service(rate_limit_per_s=0.1)
    assert [(await client.get("/organization")).status_code for _ in range(2)] == [200, 429]


async def test_every_schema_of_an_organization_is_the_services(service: Service) -> None:
    served = (await service().get("/openapi.json")).json()["components"]["schemas"]
    for name in SCHEMAS_OF_AN_ORGANIZATION:
        expected = CALLS["components"]["schemas"][name]
        assert served[name].get("required") == expected.get("required"), name
        assert served[name].get("enum") == expected.get("enum"), name
        assert served[name].get("properties", {}).keys() == expected.get("properties", {}).keys(), name


def test_no_text_of_the_settings_contains_a_key() -> None:
    settings = EmulatorSettings(organizations=KEYS)
    assert settings.describe() == ["organizations = acme, globex"]
    assert "key-of" not in repr(settings) + str(settings)
    problems = with_changes(settings, {"organizations": {"key-of-acme": 7}})
    assert isinstance(problems, tuple)
    assert "key-of" not in str(problems)


async def test_no_control_endpoint_shows_a_key(service: Service) -> None:
    client = service(organizations=KEYS)
    assert "key-of" not in (await client.get("/_emulator/config")).text
    changed = await client.put("/_emulator/config", json={"organizations": {"key-of-initech": "initech"}})
    assert changed.status_code == 200
    assert "key-of" not in changed.text
    assert (await client.get("/organization", headers=key("key-of-initech"))).json()["id"] == "initech"
