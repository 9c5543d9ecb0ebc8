"""Real answers, throughout the life of a run, against the service's public description."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.emulator.shapes import checked

Service = Callable[..., httpx.AsyncClient]
REGION = {"region": "aws-us-west-2"}
LIVES: list[dict[str, Any]] = [
    {},
    {"startup_s": 0},
    {"startup_s": 0, "run_s": 0},
    {"startup_s": 0, "run_s": 0, "failure_rate": 1},
    {"startup_s": 0, "run_s": 0, "timed_out_rate": 1},
    {"startup_s": 0, "run_s": 0, "timed_out_rate": 1, "timeout_as_failed": True},
    {"startup_s": 0, "run_s": 0, "fail_where": {"runtime": "tiny", "code": "RUN_LOST", "message": "no such table"}},
    {"startup_s": 100, "cancel_delay_s": 50},
]


@pytest.mark.parametrize("settings", LIVES)
async def test_every_answer_about_a_run_fits(service: Service, payload: dict[str, Any], settings: Any) -> None:
    client = service(**settings)
    run = (await client.post("/runs", params=REGION, json=payload)).json()["id"]
    for _ in range(2):
        checked(await client.get("/runs"), "/runs")
        checked(await client.get(f"/runs/{run}"), "/runs/{run_id}")
        checked(await client.get(f"/runs/{run}/logs"), "/runs/{run_id}/logs")
        checked(await client.get(f"/runs/{run}/metrics"), "/runs/{run_id}/metrics")
        checked(await client.post(f"/runs/{run}/cancel"), "/runs/{run_id}/cancel")
    checked(await client.get("/organization"), "/organization")


@pytest.mark.parametrize(
    ("path", "template"),
    [("/runs?size=1000", "/runs"), ("/runs/nothing", "/runs/{run_id}"), ("/runs/nothing/logs", "/runs/{run_id}/logs")],
)
async def test_every_refusal_fits(service: Service, path: str, template: str) -> None:
    checked(await service().get(path), template)


async def test_a_refused_call_fits_unless_its_path_does_not_exist(service: Service) -> None:
    for status in (401, 403, 500):
        checked(await service(refused_calls={"list": status}).get("/runs"), "/runs")
