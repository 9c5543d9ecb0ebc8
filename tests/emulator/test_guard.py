"""Whom the emulator answers, and how much it reads from anyone."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from batchrun.emulator.http.bodies import bounded
from batchrun.emulator.http.guard import Guard, guard_of
from batchrun.emulator.http.request_head import RequestHead
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import UsageError
from tests.emulator.faulty import PLAIN

Service = Callable[..., httpx.AsyncClient]
PAYLOAD = {"runtime": "tiny", "name": "hello-world"}
PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin"},
]
CALLS = [
    ("POST", "/_emulator/reset"),
    ("PUT", "/_emulator/config"),
    ("POST", "/_emulator/delete"),
    ("GET", "/_emulator/runs"),
    ("GET", "/_emulator/stats"),
    ("GET", "/_emulator/uploads"),
    ("POST", "/runs?region=r"),
    ("POST", "/runs/x/cancel"),
    ("OPTIONS", "/runs"),
]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::1", "localhost.evil"])
def test_only_its_own_host_names_are_answered(server: EmulatorServer, host: str) -> None:
    for path in ("/_emulator/runs", "/runs", "/docs", "/_uploads/x"):
        answer = PLAIN.get(f"{server.url}{path}", headers={"Host": host, "X-API-Key": "k"})
        assert answer.status_code in {400, 421}, path  # 400: no server parses such a header
        assert "[]" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "LOCALHOST", "[::1]:8080", "127.0.0.2", "localhost."])
def test_every_loopback_name_is_its_own(server: EmulatorServer, host: str) -> None:
    assert PLAIN.get(f"{server.url}/_emulator/stats", headers={"Host": host}).status_code == 200


def test_a_request_without_host_is_refused(server: EmulatorServer) -> None:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /_emulator/runs HTTP/1.0\r\n\r\n")
        assert b"421" in connection.recv(100)


@pytest.mark.parametrize("headers", PAGES)
async def test_a_web_page_gets_and_changes_nothing(service: Service, headers: dict[str, str]) -> None:
    client = service()
    made = await client.post("/runs?region=r", json=PAYLOAD)
    for method, path in CALLS:
        answer = await client.request(method, path, headers=headers, json={"share": 1})
        assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False), path
        assert made.json()["id"] not in answer.text
    assert len((await client.get("/_emulator/runs")).text.splitlines()) == 1


async def test_an_address_that_was_typed_is_answered(service: Service) -> None:
    assert (await service().get("/_emulator/runs", headers={"Sec-Fetch-Site": "none"})).status_code == 200


async def test_the_page_about_the_api_loads_nothing(service: Service) -> None:
    client = service()
    page = await client.get("/docs", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.findall(r"<script|<link|<img|src=|https?://|url\(", page.text)
    for path in ("/runs/{run_id}/logs", "/usage/costs", "/_emulator/delete"):
        assert path in page.text
    assert (await client.get("/redoc")).status_code == 404
    assert (await client.get("/openapi.json", headers={"Origin": "null"})).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "somewhere.example"])
def test_other_machines_need_a_key(host: str) -> None:
    with pytest.raises(UsageError, match="BATCHRUN_EMULATOR_API_KEY"):
        EmulatorServer(host=host)
    with pytest.raises(UsageError, match="BATCHRUN_EMULATOR_API_KEY"):
        EmulatorServer(EmulatorSettings(organizations={"k": "acme"}), host=host)


def test_where_other_machines_can_come_in_control_calls_need_the_key_too() -> None:
    with EmulatorServer(EmulatorSettings(api_key="right"), host="0.0.0.0") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        for headers, status in (({}, 401), ({"X-API-Key": "wrong"}, 401), ({"X-API-Key": "right"}, 200)):
            assert PLAIN.get(f"{url}/_emulator/runs", headers=headers).status_code == status
            assert PLAIN.post(f"{url}/_emulator/reset", headers=headers).status_code == status
        bearer = {"Authorization": "Bearer right", "Host": "192.0.2.7:80"}
        assert PLAIN.get(f"{url}/_emulator/stats", headers=bearer).status_code == 200
        assert PLAIN.get(f"{url}/_emulator/stats", headers=bearer | {"Host": "evil.example"}).status_code == 421


def test_a_guard_knows_the_names_of_its_host() -> None:
    assert guard_of("127.0.0.1") == Guard(names=frozenset({"127.0.0.1"}))
    assert not guard_of("localhost").needs_key
    everywhere = guard_of("::")
    assert everywhere.names is not None
    assert (everywhere.any_address, everywhere.needs_key) == (True, True)
    assert socket.gethostname().lower() in everywhere.names
    assert guard_of("Build.Example").names == frozenset({"build.example"})


async def test_a_body_is_read_no_further_than_allowed() -> None:
    read = 0

    async def endless() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": bytes(100), "more_body": True}

    assert await bounded(endless, RequestHead(is_chunked=True), 1000) is None
    assert read == 11
    assert await bounded(endless, RequestHead(length=1001), 1000) is None
    assert read == 11


@pytest.mark.parametrize("path", ["/runs?region=r", "/_emulator/delete", "/usage/costs"])
async def test_a_large_body_is_refused_with_a_length_and_without(service: Service, path: str) -> None:
    client = service(max_body_bytes=1000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)

    assert (await client.post(path, content=bytes(1001))).status_code == 413
    assert (await client.post(path, content=chunks())).status_code == 413
    assert (await client.get("/_emulator/runs")).text == ""


async def test_a_small_body_without_length_is_read(service: Service) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        text = json.dumps(PAYLOAD).encode()
        for position in range(0, len(text), 7):
            yield text[position : position + 7]

    answer = await service().post("/runs?region=r", content=chunks())
    assert (answer.status_code, answer.json()["name"]) == (201, "hello-world")


MEASURED = """
import resource, sys
import httpx
from batchrun.emulator.http.server import EmulatorServer
def chunks():
    for _ in range(200):
        yield bytes(1 << 20)
with EmulatorServer() as server:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        try:
            httpx.post(f"{server.url}/runs?region=r", content=chunks(), headers={"X-API-Key": "k"}, timeout=30)
        except httpx.TransportError:
            pass
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_two_hundred_megabytes_cost_little_memory() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 60


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        yield running
