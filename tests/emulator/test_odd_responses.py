"""Responses that trickle, and responses that do not come from the service."""

import time
from typing import Any

import httpx
import pytest

from batchrun.emulator.http.server import EmulatorServer
from tests.emulator.faulty import REGION, configure, count_runs, create


def test_a_trickling_response_arrives_a_byte_at_a_time(server: EmulatorServer, payload: dict[str, Any]) -> None:
    configure(server, "trickle", trickle_s=0.02)
    pieces: list[bytes] = []
    with httpx.stream(
        "POST", f"{server.url}/runs", params=REGION, json=payload, headers={"X-API-Key": "k"}, timeout=5
    ) as answer:
        assert answer.status_code == 201
        began = time.monotonic()
        for piece in answer.iter_raw():
            pieces.append(piece)
            if len(pieces) == 10:
                break
    assert time.monotonic() - began > 0.1
    assert len(b"".join(pieces)) < 100
    assert count_runs(server, at_least=1) == 1


def test_a_trickling_response_is_complete_in_the_end(server: EmulatorServer, payload: dict[str, Any]) -> None:
    answer = create(server, payload, "trickle", trickle_s=0.00001)
    assert isinstance(answer, httpx.Response)
    assert answer.json()["name"] == payload["name"]


@pytest.mark.parametrize(
    ("fault", "status", "media_type"), [("login_page", 200, "text/html"), ("not_found", 404, "application/json")]
)
def test_a_proxy_or_a_wrong_path_answers_for_the_service(
    server: EmulatorServer, payload: dict[str, Any], fault: str, status: int, media_type: str
) -> None:
    answer = create(server, payload, fault, faults_on="all")
    assert isinstance(answer, httpx.Response)
    for path in ("/runs", "/runs/some-id", "/organization"):
        reading = httpx.get(f"{server.url}{path}", headers={"X-API-Key": "k"})
        assert reading.status_code == answer.status_code == status
        assert reading.headers["content-type"].partition(";")[0] == media_type
        assert "errors" not in reading.text
    assert count_runs(server) == 0
    configure(server, "conflict", faults_on="create")
