"""The endpoints of the Runs API, called in process; every response is parsed with the wire models."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from batchrun.wherobots.views import ErrorBody, LogsResponse, RunPage, RunView

Service = Callable[..., httpx.AsyncClient]
REGION = {"region": "aws-us-west-2"}


async def create(client: httpx.AsyncClient, payload: dict[str, Any], name: str, region: str = "r") -> RunView:
    answer = await client.post("/runs", params={"region": region}, json={**payload, "name": name})
    assert answer.status_code == 201, answer.text
    return RunView.model_validate_json(answer.content)


async def names(client: httpx.AsyncClient, **query: Any) -> list[str]:
    page = RunPage.model_validate_json((await client.get("/runs", params=query)).content)
    return [run.name for run in page.items]


async def test_a_created_run_can_be_fetched(service: Service, payload: dict[str, Any]) -> None:
    client = service()
    made = await create(client, payload, "hello-again")
    found = RunView.model_validate_json((await client.get(f"/runs/{made.id}")).content)
    assert found.payload == made.payload
    assert found.kube_app is not None
    assert found.kube_app.region_name == "r"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/runs/nothing", 404, "NOT_FOUND_ERROR"),
        ("POST", "/runs/nothing/cancel", 404, "NOT_FOUND_ERROR"),
        ("GET", "/runs/nothing/logs", 404, "NOT_FOUND_ERROR"),
        ("GET", "/runs/nothing/metrics", 404, "NOT_FOUND_ERROR"),
        ("GET", "/nowhere", 404, "NOT_FOUND_ERROR"),
        ("DELETE", "/runs", 405, "BAD_REQUEST_ERROR"),
        ("POST", "/runs", 422, "INVALID_INPUT_ERROR"),
        ("GET", "/runs?size=101", 422, "INVALID_INPUT_ERROR"),
        ("GET", "/runs?status=DONE", 422, "INVALID_INPUT_ERROR"),
        ("GET", "/runs?cursor=nonsense", 422, "INVALID_INPUT_ERROR"),
        ("GET", "/runs?name=a*b*c", 422, "INVALID_INPUT_ERROR"),
        ("GET", "/runs?created_after=yesterday", 422, "INVALID_INPUT_ERROR"),
    ],
)
async def test_a_refusal_is_an_error_body_with_the_request_id(
    service: Service, method: str, path: str, status: int, code: str
) -> None:
    answer = await service().request(method, path)
    assert answer.status_code == status
    body = ErrorBody.model_validate_json(answer.content)
    assert body.errors[0].code == code
    assert body.request_id == answer.headers["x-request-id"]


async def test_only_a_valid_key_is_accepted(service: Service) -> None:
    client = service(api_key="right")
    assert (await client.get("/runs")).status_code == 401
    for headers in ({"X-API-Key": "right"}, {"Authorization": "Bearer right", "X-API-Key": "right"}):
        assert (await client.get("/runs", headers=headers)).status_code == 200
    del client.headers["X-API-Key"]
    assert (await client.get("/runs", headers={"Authorization": "Bearer right"})).status_code == 200
    assert (await service(key="").get("/runs")).status_code == 401
    assert (await client.get("/_emulator/runs")).status_code == 200


async def test_a_key_can_expire(service: Service) -> None:
    client = service(key_expires_after_requests=2)
    assert [(await client.get("/runs")).status_code for _ in range(3)] == [200, 200, 401]
    assert (await service(key_expires_after_s=0).get("/runs")).status_code == 401


async def test_a_body_that_is_too_large_is_refused(service: Service, payload: dict[str, Any]) -> None:
    answer = await service(max_body_bytes=20).post("/runs", params=REGION, json=payload)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["code"] == "REQUEST_ENTITY_TOO_LARGE"


async def test_a_lenient_emulator_needs_neither_region_nor_runtime(service: Service) -> None:
    answer = await service(lenient=True).post("/runs", json={"name": "bare-run-1"})
    assert answer.status_code == 201
    assert answer.json()["payload"]["runtime"] == "tiny"
    assert answer.json()["kubeApp"]["regionName"] == "aws-us-west-2"


async def test_the_list_filters(service: Service, payload: dict[str, Any]) -> None:
    client = service(startup_s=100)
    for name, region in (("ndvi-2024-us", "us"), ("ndvi-2024-eu", "eu"), ("flood-2024", "us")):
        await create(client, payload, name, region)
    assert await names(client) == ["flood-2024", "ndvi-2024-eu", "ndvi-2024-us"]
    assert await names(client, name="ndvi-2024-us") == ["ndvi-2024-us"]
    assert await names(client, name="ndvi-2024") == []
    assert await names(client, name="ndvi*") == ["ndvi-2024-eu", "ndvi-2024-us"]
    assert await names(client, name="*2024") == ["flood-2024"]
    assert await names(client, name="flood-2*24") == ["flood-2024"]
    assert await names(client, name="flood-2024*2024") == []
    assert await names(client, region="us") == ["flood-2024", "ndvi-2024-us"]
    assert await names(client, status=["RUNNING", "FAILED"]) == []
    assert len(await names(client, status="PENDING", size=2)) == 2
    assert await names(client, size=0) == []
    later = datetime.now(UTC) + timedelta(seconds=5)
    assert await names(client, created_after=later.isoformat()) == []
    assert len(await names(client, created_after=(later - timedelta(minutes=1)).isoformat())) == 3


async def test_a_bare_name_can_match_as_a_substring(service: Service, payload: dict[str, Any]) -> None:
    client = service(list_name_match="substring")
    await create(client, payload, "ndvi-2024-us")
    assert await names(client, name="2024") == ["ndvi-2024-us"]


async def test_pages_are_stable_while_runs_arrive(service: Service, payload: dict[str, Any]) -> None:
    client = service()
    for number in range(7):
        await create(client, payload, f"paged-run-{number}")
    seen: list[str] = []
    cursor: str | None = None
    pages: list[RunPage] = []
    while cursor is not None or not pages:
        query: dict[str, Any] = {"size": 3, "name": "paged*"} | ({"cursor": cursor} if cursor else {})
        page = RunPage.model_validate_json((await client.get("/runs", params=query)).content)
        seen += [run.name for run in page.items]
        pages.append(page)
        cursor = page.next_page
        await create(client, payload, f"paged-late-{len(pages)}")
    assert seen == [f"paged-run-{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert pages[0].total == 7
    back = await client.get("/runs", params={"size": 3, "name": "paged*", "cursor": pages[1].previous_page})
    assert [run["name"] for run in back.json()["items"]] == [run.name for run in pages[0].items]


async def test_a_list_can_lag(service: Service, payload: dict[str, Any]) -> None:
    client = service(list_lag_s=100)
    await create(client, payload, "late-in-list")
    assert await names(client) == await names(client, name="late-in-list") == []
    await client.put("/_emulator/config", json={"list_lag_s": 0.01})
    await asyncio.sleep(0.02)
    assert await names(client) == ["late-in-list"]


async def test_quota_is_used_up_by_active_runs_and_freed_by_their_end(
    service: Service, payload: dict[str, Any]
) -> None:
    client = service(quota_runs=1, startup_s=100, quota_status=409)
    run = await create(client, payload, "takes-the-quota")
    answer = await client.post("/runs", params=REGION, json=payload)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "INSUFFICIENT_QUOTA_ERROR"
    assert (await client.post(f"/runs/{run.id}/cancel")).json()["status"] == "CANCELLED"
    await create(client, payload, "has-room-again")


async def test_a_timeout_can_be_reported_as_a_failure_with_an_event(service: Service, payload: dict[str, Any]) -> None:
    client = service(startup_s=0, run_s=10, timeout_as_failed=True)
    run = await create(client, {**payload, "timeoutSeconds": 0}, "times-out-1")
    found = RunView.model_validate_json((await client.get(f"/runs/{run.id}")).content)
    assert found.status == "FAILED"
    assert found.kube_app is not None
    assert found.kube_app.events[-1].code == "RUN_FAIL_EXEC"
    assert "timeout" in (found.kube_app.events[-1].message or "")


async def test_logs_can_be_followed_to_the_end(service: Service, payload: dict[str, Any]) -> None:
    client = service(startup_s=0.05, run_s=0.4, log_lines=5)
    run = await create(client, payload, "followed-run")
    cursor: str | None = "0"
    lines: list[str] = []
    while cursor is not None:
        answer = await client.get(f"/runs/{run.id}/logs", params={"cursor": cursor, "size": 2})
        page = LogsResponse.model_validate_json(answer.content)
        assert len(page.items) <= 2
        lines += [item.raw for item in page.items]
        cursor = page.next_page
        await asyncio.sleep(0.03)
    assert len(lines) == 7
    assert lines[0] == "Starting followed-run on tiny"
    assert lines[-1] == "Run completed"
    assert (await client.get(f"/runs/{run.id}/logs", params={"cursor": "x"})).status_code == 422
