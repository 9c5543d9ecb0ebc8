"""Calls by kind: recognised, counted, refused, and hit by faults of their own."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from batchrun.emulator.calls import CALL_KINDS, READING_CALLS, call_kind
from batchrun.emulator.fault_settings import CallFaults
from batchrun.emulator.faults.choice import CALL_FAULTS
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.emulator.faulty import PLAIN

Service = Callable[..., httpx.AsyncClient]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/runs", "create"),
        ("GET", "/runs", "list"),
        ("DELETE", "/runs", "other"),
        ("GET", "/runs/abc", "get"),
        ("POST", "/runs/abc/cancel", "cancel"),
        ("GET", "/runs/abc/logs", "logs"),
        ("GET", "/runs/abc/metrics", "metrics"),
        ("GET", "/runs/abc/more", "other"),
        ("POST", "/usage/costs", "costs"),
        ("GET", "/organization", "organization"),
        ("GET", "/organization/quota/organization", "quota"),
        ("GET", "/me/jupyter/lab/config-hint", "config_hint"),
        ("GET", "/storage", "storage"),
        ("POST", "/storage/user_files::r/file-upload-url/a/b.py", "upload_url"),
        ("GET", "/storage/user_files::r/directories/a/b", "directory"),
        ("DELETE", "/storage/user_files::r/files/a/b.py", "delete_file"),
        ("GET", "/_emulator/stats", None),
        ("GET", "/docs", None),
        ("GET", "/", None),
        ("OPTIONS", "*", None),
    ],
)
def test_a_call_is_recognised(method: str, path: str, kind: str | None) -> None:
    assert call_kind(method, path) == kind


async def test_calls_are_counted_by_kind(service: Service, payload: dict[str, Any]) -> None:
    client = service()
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()["id"]
    for path in ("/runs", f"/runs/{run}", f"/runs/{run}", f"/runs/{run}/logs", "/organization"):
        await client.get(path)
    await client.post(f"/runs/{run}/cancel")
    stats = (await client.get("/_emulator/stats")).json()
    assert stats["calls"] == {"create": 1, "list": 1, "get": 2, "logs": 1, "organization": 1, "cancel": 1}
    assert stats["reading_calls"] == 5


@pytest.mark.parametrize(("status", "code"), [(404, None), (403, "INSUFFICIENT_PERMISSIONS_ERROR"), (501, "BAD")])
async def test_any_call_can_be_refused(
    service: Service, payload: dict[str, Any], status: int, code: str | None
) -> None:
    client = service(refused_calls={"get": status, "cancel": status})
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()["id"]
    for method, path in (("GET", f"/runs/{run}"), ("POST", f"/runs/{run}/cancel")):
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert code is None or answer.json()["errors"][0]["code"].startswith(code)
    assert (await client.get("/runs")).status_code == 200
    assert (await client.get(f"/runs/{run}/logs")).status_code == 200


async def test_a_refusal_is_counted_as_the_call_that_it_is(service: Service) -> None:
    client = service(refused_calls={"list": 403})
    await client.get("/runs")
    assert (await client.get("/_emulator/stats")).json()["calls"] == {"list": 1}


async def test_faults_of_calls_hit_everything_but_creation(service: Service, payload: dict[str, Any]) -> None:
    client = service(call_faults={"error": 1}, error_statuses=[503])
    answer = await client.post("/runs", params={"region": "r"}, json=payload)
    assert answer.status_code == 201
    run = answer.json()["id"]
    statuses = [(await client.get(path)).status_code for path in ("/runs", f"/runs/{run}", "/organization")]
    assert statuses == [503, 503, 503]
    assert (await client.post(f"/runs/{run}/cancel")).status_code == 503


async def test_a_call_can_be_carried_out_although_its_answer_is_lost(service: Service, payload: dict[str, Any]) -> None:
    client = service(call_faults={"error_after": 1}, call_faults_on=["cancel"])
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()["id"]
    assert (await client.post(f"/runs/{run}/cancel")).status_code == 500
    assert (await client.get(f"/runs/{run}")).json()["status"] == "CANCELLED"


async def test_faults_of_calls_can_be_limited_to_some_calls_and_are_numbered_by_themselves(
    service: Service, payload: dict[str, Any]
) -> None:
    client = service(call_faults={"rate_limit": "1@2-2"}, call_faults_on=["get"])
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()["id"]
    assert [(await client.get("/runs")).status_code for _ in range(3)] == [200, 200, 200]
    assert [(await client.get(f"/runs/{run}")).status_code for _ in range(3)] == [200, 429, 200]


def test_every_fault_of_calls_is_known_and_does_what_its_name_says() -> None:
    assert set(CallFaults.model_fields) == {*CALL_FAULTS, "slow"}
    expected = {
        "rate_limit": 429,
        "redirect": 307,
        "forbidden": 403,
        "unavailable": 503,
        "not_found": 404,
        "login_page": 200,
        "error": 500,
        "garbled_body": 200,
        "reset": httpx.ReadError,
        "error_after": 500,
        "reset_after": httpx.ReadError,
        "hang": httpx.ReadTimeout,
        "cut_body": httpx.RemoteProtocolError,
        "trickle": httpx.ReadTimeout,
    }
    assert set(expected) == set(CALL_FAULTS)
    with EmulatorServer(EmulatorSettings()) as server:
        for fault, outcome in expected.items():
            faults = dict.fromkeys(CALL_FAULTS, 0) | {fault: 1}
            PLAIN.put(f"{server.url}/_emulator/config", json={"call_faults": faults}).raise_for_status()
            assert found(server.url) == outcome, fault


def found(url: str) -> int | type[Exception]:
    try:
        return PLAIN.get(f"{url}/runs", headers={"X-API-Key": "k"}, timeout=0.4).status_code
    except httpx.TransportError as error:
        return type(error)


def test_reading_calls_change_nothing() -> None:
    assert set(CALL_KINDS) - READING_CALLS == {"create", "cancel", "upload_url", "delete_file", "upload", "other"}
