"""What a client on a real socket sees of each fault, and which runs exist afterwards."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from batchrun.emulator.faults.choice import FAULTS, choose_fault
from batchrun.emulator.faults.lists import LIST_FAULTS
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings, Faults, load_settings
from tests.emulator.faulty import REGION, count_runs, create


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("rate_limit", 429, "RATE_LIMIT_ERROR"),
        ("redirect", 307, "BAD_REQUEST_ERROR"),
        ("forbidden", 403, "INSUFFICIENT_PERMISSIONS_ERROR"),
        ("conflict", 409, "CONFLICT_ERROR"),
        ("quota", 403, "INSUFFICIENT_QUOTA_ERROR"),
        ("unavailable", 503, "INTERNAL_SERVER_ERROR"),
        ("error_before_commit", 500, "INTERNAL_SERVER_ERROR"),
        ("error_after_commit", 500, "INTERNAL_SERVER_ERROR"),
    ],
)
def test_a_refusing_fault_answers_with_an_error_body(
    server: EmulatorServer, payload: dict[str, Any], fault: str, status: int, code: str
) -> None:
    answer = create(server, payload, fault)
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == code
    assert ("retry-after" in answer.headers) == (fault in {"rate_limit", "unavailable"})
    assert count_runs(server) == (fault == "error_after_commit")


@pytest.mark.parametrize(
    ("fault", "error", "created"),
    [
        ("reset_before_commit", httpx.ReadError, 0),
        ("reset_after_commit", httpx.ReadError, 1),
        ("cut_body", httpx.RemoteProtocolError, 1),
        ("hang_before_commit", httpx.ReadTimeout, 0),
        ("hang", httpx.ReadTimeout, 1),
    ],
)
def test_a_silent_fault_loses_the_response(
    server: EmulatorServer, payload: dict[str, Any], fault: str, error: type[Exception], created: int
) -> None:
    assert isinstance(create(server, payload, fault), error)
    assert count_runs(server, at_least=created) == created


def test_a_garbled_response_has_status_201_and_is_not_json(server: EmulatorServer, payload: dict[str, Any]) -> None:
    answer = create(server, payload, "garbled_body")
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        answer.json()
    assert count_runs(server, at_least=1) == 1


def test_a_slow_answer_comes_late(server: EmulatorServer, payload: dict[str, Any]) -> None:
    began = time.monotonic()
    answer = create(server, payload, "slow", slow_s=0.2)
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 201
    assert time.monotonic() - began >= 0.2


def test_a_hang_ends_in_a_reset(server: EmulatorServer, payload: dict[str, Any]) -> None:
    assert isinstance(create(server, payload, "hang", hang_s=0.1), httpx.ReadError)
    create(server, payload, "conflict", hang_s=600)


def test_errors_of_a_gateway_are_no_error_bodies(server: EmulatorServer, payload: dict[str, Any]) -> None:
    for status in (502, 503, 504):
        answer = create(server, payload, "error_after_commit", error_statuses=[status])
        assert isinstance(answer, httpx.Response)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert "retry-after" not in answer.headers
    create(server, payload, "conflict", error_statuses=[500])


def test_a_refused_creation_keeps_its_response(server: EmulatorServer) -> None:
    answer = create(server, {"name": "x"}, "reset_after_commit")
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 422


def test_faults_hit_reading_only_when_configured(server: EmulatorServer) -> None:
    headers = {"X-API-Key": "k"}
    faults = {**dict.fromkeys(FAULTS, 0), "reset_after_commit": 1}
    for where, error in (("create", None), ("all", httpx.ReadError)):
        httpx.put(f"{server.url}/_emulator/config", json={"faults": faults, "faults_on": where}).raise_for_status()
        try:
            assert httpx.get(f"{server.url}/runs", headers=headers).status_code == 200
            assert error is None
        except httpx.ReadError:
            assert error is httpx.ReadError
    httpx.put(f"{server.url}/_emulator/config", json={"faults_on": "create"}).raise_for_status()


def test_the_same_seed_gives_the_same_faults() -> None:
    faults = Faults(conflict=0.1, reset_after_commit=0.1)
    hit = [choose_fault(EmulatorSettings(seed=7, faults=faults), number) for number in range(1, 500)]
    assert hit == [choose_fault(EmulatorSettings(seed=7, faults=faults), number) for number in range(1, 500)]
    assert hit != [choose_fault(EmulatorSettings(seed=8, faults=faults), number) for number in range(1, 500)]
    assert {None, "conflict", "reset_after_commit"} == set(hit)


@pytest.mark.parametrize("fault", ["reset_after_commit", "cut_body"])
async def test_without_a_socket_a_lost_response_is_raised(
    service: Callable[..., httpx.AsyncClient], payload: dict[str, Any], fault: str
) -> None:
    client = service(faults={fault: 1})
    with pytest.raises(ConnectionResetError):
        await client.post("/runs", params=REGION, json=payload)
    assert len((await client.get("/_emulator/runs")).text.splitlines()) == 1


@pytest.mark.parametrize(("form", "expected"), [("none", None), ("seconds", "1"), ("fraction", "."), ("date", "GMT")])
async def test_retry_after_comes_in_every_form(
    service: Callable[..., httpx.AsyncClient], form: str, expected: str | None
) -> None:
    client = service(rate_limit_per_s=1.5, retry_after=form)
    answers = [await client.get("/runs") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    value = answers[1].headers.get("retry-after")
    assert value is None if expected is None else expected in value


async def test_retry_after_may_be_nonsense_or_go_through_all_forms(service: Callable[..., httpx.AsyncClient]) -> None:
    for form, several in (("mixed", 4), ("odd", 8)):
        client = service(rate_limit_per_s=0.5, retry_after=form)
        answers = [await client.get("/runs") for _ in range(17)][1:]
        assert len({answer.headers.get("retry-after") for answer in answers}) >= several - (form == "mixed")


async def test_limits_count_each_key_separately(service: Callable[..., httpx.AsyncClient]) -> None:
    client = service(rate_limit_per_s=0.1)
    statuses = [(await client.get("/runs", headers={"X-API-Key": key})).status_code for key in ("a", "a", "b")]
    assert statuses == [200, 429, 200]


async def test_limits_can_count_creating_only(
    service: Callable[..., httpx.AsyncClient], payload: dict[str, Any]
) -> None:
    client = service(rate_limit_per_s=0.1, limit_on="create")
    assert [(await client.get("/runs")).status_code for _ in range(3)] == [200] * 3
    statuses = [(await client.post("/runs", params=REGION, json=payload)).status_code for _ in range(2)]
    assert statuses == [201, 429]


async def test_concurrent_requests_are_limited(
    service: Callable[..., httpx.AsyncClient], payload: dict[str, Any]
) -> None:
    client = service(max_requests_at_once=2, faults={"slow": 1}, slow_s=0.1)
    calls = [client.post("/runs", params=REGION, json=payload) for _ in range(5)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*calls))
    assert statuses == [201, 201, 429, 429, 429]
    stats = (await client.get("/_emulator/stats")).json()
    assert stats["requests"] == {"POST /runs": {"429": 3, "201": 2}}


def test_settings_name_every_fault() -> None:
    assert set(Faults.model_fields) == {*FAULTS, *LIST_FAULTS, "slow"}
    assert load_settings(None, {}).faults == Faults()


async def test_under_load_the_audit_lists_exactly_what_was_committed(payload: dict[str, Any]) -> None:
    shares = dict.fromkeys(("conflict", "error_before_commit", "reset_before_commit"), 0.1)
    shares |= dict.fromkeys(("error_after_commit", "reset_after_commit", "cut_body", "garbled_body"), 0.1)
    statuses: list[int | None] = []

    async def submit(client: httpx.AsyncClient, names: list[str]) -> None:
        while names:
            try:
                answer = await client.post("/runs", params=REGION, json={**payload, "name": names.pop()})
                statuses.append(answer.status_code)
            except httpx.TransportError:
                statuses.append(None)

    with EmulatorServer(load_settings(None, {"seed": 3, "faults": shares})) as server:
        async with httpx.AsyncClient(base_url=server.url, headers={"X-API-Key": "k"}) as client:
            names = [f"under-load-{number}" for number in range(400)]
            await asyncio.gather(*(submit(client, names) for _ in range(8)))
            stats = (await client.get("/_emulator/stats")).json()
            runs = (await client.get("/_emulator/runs")).text.splitlines()
    faults = stats["faults"]
    assert len(statuses) == 400
    assert set(faults) == set(shares)
    well = 400 - sum(faults.values())
    after = faults["error_after_commit"] + faults["reset_after_commit"] + faults["cut_body"] + faults["garbled_body"]
    assert len(runs) == stats["runs"] == well + after
    assert statuses.count(201) == well + faults["garbled_body"]
    assert statuses.count(409) == faults["conflict"]
    assert statuses.count(None) == faults["reset_before_commit"] + faults["reset_after_commit"] + faults["cut_body"]
