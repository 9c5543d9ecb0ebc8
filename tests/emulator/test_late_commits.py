"""Runs that appear after the client has lost the response."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from batchrun.emulator.http.server import EmulatorServer
from tests.emulator.faulty import REGION, configure, count_runs, create


def test_a_late_commit_happens_after_the_client_gave_up(server: EmulatorServer, payload: dict[str, Any]) -> None:
    assert isinstance(create(server, payload, "late_commit", late_commit_s=0.7), httpx.ReadTimeout)
    assert count_runs(server) == 0
    deadline = time.monotonic() + 10
    while count_runs(server) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count_runs(server) == 1


@pytest.mark.parametrize(("response", "expected"), [("error", 500), ("reset", httpx.ReadError)])
def test_a_late_commit_can_follow_an_error_or_a_reset(
    server: EmulatorServer, payload: dict[str, Any], response: str, expected: object
) -> None:
    answer = create(server, payload, "late_commit", late_commit_s=0.4, late_commit_response=response)
    lost_at = time.time()
    assert (answer.status_code if isinstance(answer, httpx.Response) else type(answer)) == expected
    assert count_runs(server) == 0
    deadline = time.monotonic() + 10
    while count_runs(server) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    run = httpx.get(f"{server.url}/_emulator/runs").json()
    assert datetime.fromisoformat(run["createTime"]).timestamp() - lost_at == pytest.approx(0.4, abs=0.3)


def test_mixed_late_commits_lose_responses_in_every_way(server: EmulatorServer, payload: dict[str, Any]) -> None:
    outcomes = set()
    configure(server, "late_commit", late_commit_s=0.0, late_commit_response="mixed")
    with httpx.Client(base_url=server.url, headers={"X-API-Key": "k"}, timeout=0.2) as client:
        for _ in range(12):
            try:
                outcomes.add(str(client.post("/runs", params=REGION, json=payload).status_code))
            except httpx.TransportError as error:
                outcomes.add(type(error).__name__)
    assert outcomes == {"500", "ReadError", "ReadTimeout"}
    configure(server, "conflict", late_commit_response="none")


def test_a_reset_discards_pending_late_commits(server: EmulatorServer, payload: dict[str, Any]) -> None:
    assert isinstance(create(server, payload, "late_commit", late_commit_s=0.2), httpx.ReadTimeout)
    httpx.post(f"{server.url}/_emulator/reset").raise_for_status()
    time.sleep(0.4)
    assert count_runs(server) == 0


async def test_without_a_socket_a_late_commit_happens_when_the_caller_is_cancelled(
    service: Callable[..., httpx.AsyncClient], payload: dict[str, Any]
) -> None:
    client = service(faults={"late_commit": 1}, late_commit_s=0.3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.post("/runs", params=REGION, json=payload)
    assert (await client.get("/_emulator/runs")).text == ""
    await asyncio.sleep(0.4)
    assert len((await client.get("/_emulator/runs")).text.splitlines()) == 1
