"""The server on real sockets: addresses, TLS, stopping."""

import logging
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings, Faults
from batchrun.errors import UsageError


def test_two_servers_pick_two_free_ports() -> None:
    with EmulatorServer() as one, EmulatorServer() as other:
        assert one.url != other.url
        assert repr(one) == f"<EmulatorServer {one.url}>"
        for server in (one, other):
            assert httpx.get(f"{server.url}/runs", headers={"X-API-Key": "k"}).status_code == 200
    assert repr(one) == "<EmulatorServer stopped>"


def test_every_response_has_a_date_and_its_own_request_id() -> None:
    with EmulatorServer() as server:
        answers = [httpx.get(f"{server.url}{path}") for path in ("/runs", "/nowhere", "/openapi.json")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    for answer in answers:
        assert (
            abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()) < 60
        )  # a busy machine is late


def test_a_port_in_use_is_reported() -> None:
    with EmulatorServer() as server:
        port = int(server.url.rsplit(":", 1)[-1])
        with pytest.raises(UsageError, match="cannot listen"), EmulatorServer(port=port):
            pass


def test_a_client_that_is_killed_in_the_middle_of_its_body_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), EmulatorServer() as server:
        port = int(server.url.rsplit(":", 1)[-1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = b"POST /runs?region=r HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: k\r\nContent-Length: 100\r\n\r\n{"
            client.sendall(head)
            while httpx.get(f"{server.url}/_emulator/stats").json()["calls"].get("create", 0) < 1:
                time.sleep(0.01)
        while (counted := httpx.get(f"{server.url}/_emulator/stats").json()["requests"]) == {}:
            time.sleep(0.01)
    assert list(counted.values()) == [{"none": 1}]
    assert not caplog.records


def test_tls_is_trusted_with_its_own_authority_only() -> None:
    with EmulatorServer(tls=True) as server:
        assert server.ca_file is not None
        context = ssl.create_default_context(cafile=str(server.ca_file))
        assert httpx.get(f"{server.url}/_emulator/stats", verify=context).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/_emulator/stats")
        ca_file: Path = server.ca_file
    assert not ca_file.exists()


def test_a_response_is_lost_over_tls_too() -> None:
    body = {"runtime": "tiny", "name": "lost-over-tls"}
    with EmulatorServer(EmulatorSettings(faults=Faults(reset_after_commit=1)), tls=True) as server:
        context = ssl.create_default_context(cafile=str(server.ca_file))
        with httpx.Client(base_url=server.url, verify=context, headers={"X-API-Key": "k"}) as client:
            with pytest.raises(httpx.TransportError):  # Python's ssl reads a reset as an end
                client.post("/runs?region=r", json=body)
            assert len(client.get("/_emulator/runs").text.splitlines()) == 1


def test_it_stops_although_a_request_hangs() -> None:
    settings = EmulatorSettings(faults=Faults(hang=1))
    body = {"runtime": "tiny", "name": "hanging-run"}
    with EmulatorServer(settings) as server, httpx.Client(headers={"X-API-Key": "k"}) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"{server.url}/runs?region=r", json=body, timeout=0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 5
