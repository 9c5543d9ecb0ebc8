"""Runs that are deleted behind their owner's back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from batchrun.emulator.runs.deletion import Deletion

Service = Callable[..., httpx.AsyncClient]


async def create(client: httpx.AsyncClient, payload: dict[str, Any], *names: str) -> list[str]:
    ids = []
    for name in names:
        answer = await client.post("/runs", params={"region": "r"}, json={**payload, "name": name})
        ids.append(answer.json()["id"])
    return ids


async def delete(client: httpx.AsyncClient, **selection: Any) -> list[str]:
    answer = await client.post("/_emulator/delete", json=selection)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["deleted"] == len(body["ids"])
    ids: list[str] = body["ids"]
    return ids


async def names(client: httpx.AsyncClient, **query: Any) -> list[str]:
    return [run["name"] for run in (await client.get("/runs", params=query)).json()["items"]]


async def test_a_deleted_run_is_gone_for_clients_and_kept_in_the_audit(
    service: Service, payload: dict[str, Any]
) -> None:
    client = service()
    first, second = await create(client, payload, "first-run", "second-run")
    assert await delete(client, ids=[first, "unknown"]) == [first]
    assert await names(client) == ["second-run"]
    assert await names(client, name="first-run") == []
    assert (await client.get("/runs", params={"size": 0})).json()["total"] == 1
    for method, path in (("GET", ""), ("GET", "/logs"), ("GET", "/metrics"), ("POST", "/cancel")):
        assert (await client.request(method, f"/runs/{first}{path}")).status_code == 404
    audit = [json.loads(line) for line in (await client.get("/_emulator/runs")).text.splitlines()]
    assert [(run["id"], run["deletedAt"] is not None) for run in audit] == [(first, True), (second, False)]
    assert await delete(client, ids=[first]) == []


async def test_names_may_have_a_wildcard(service: Service, payload: dict[str, Any]) -> None:
    client = service()
    await create(client, payload, "ndvi-2023", "ndvi-2024", "flood-2024")
    assert len(await delete(client, names=["ndvi-*"])) == 2
    assert len(await delete(client, names=["flood"])) == 0
    assert await names(client) == ["flood-2024"]


async def test_a_share_is_chosen_by_the_seed(service: Service, payload: dict[str, Any]) -> None:
    deleted = []
    for seed in (1, 1, 2):
        client = service(seed=seed)
        ids = await create(client, payload, *(f"shared-{number:02}" for number in range(40)))
        gone = await delete(client, share=0.5)
        assert 8 <= len(gone) <= 32
        deleted.append([ids.index(one) for one in gone])
    assert deleted[0] == deleted[1] != deleted[2]


async def test_a_share_of_some_names(service: Service, payload: dict[str, Any]) -> None:
    client = service()
    await create(client, payload, "ndvi-2023", "flood-2024")
    assert await delete(client, names=["ndvi*"], share=0) == []
    assert len(await delete(client, names=["ndvi*"], share=1)) == 1


@pytest.mark.parametrize("body", [{}, {"share": 2}, {"id": "x"}, {"share": None}])
async def test_a_selection_that_selects_nothing_is_an_error(service: Service, body: dict[str, Any]) -> None:
    answer = await service().post("/_emulator/delete", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "INVALID_INPUT_ERROR"
    with pytest.raises(ValidationError):
        Deletion.model_validate(body)


async def test_deleting_an_active_run_frees_its_slot_and_its_quota(service: Service, payload: dict[str, Any]) -> None:
    client = service(quota_runs=1, capacity_runs=1, startup_s=0, run_s=100)
    (first,) = await create(client, payload, "first-run")
    assert (await client.post("/runs", params={"region": "r"}, json=payload)).status_code == 403
    await delete(client, ids=[first])
    (second,) = await create(client, payload, "second-run")
    assert (await client.get(f"/runs/{second}")).json()["status"] == "RUNNING"


async def test_a_deletion_survives_a_restart(service: Service, payload: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    client = service(state_file=state)
    first, _ = await create(client, payload, "first-run", "second-run")
    await delete(client, ids=[first])
    restarted = service(state_file=state)
    assert await names(restarted) == ["second-run"]
    before, after = [(await one.get("/_emulator/runs")).text for one in (client, restarted)]
    assert before == after
