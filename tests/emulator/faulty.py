"""Calls of an emulator that is configured to fail."""

import time
from typing import Any

import httpx

from batchrun.emulator.faults.choice import FAULTS
from batchrun.emulator.http.server import EmulatorServer

REGION = {"region": "r"}
PLAIN = httpx.Client(verify=False)
"""For calls over plain HTTP: a client with TLS takes a hundred times as long to make."""


def configure(server: EmulatorServer, fault: str, **settings: Any) -> None:
    """Start over with one fault that hits every request in scope."""
    faults = dict.fromkeys((*FAULTS, "slow"), 0) | {fault: 1}
    PLAIN.post(f"{server.url}/_emulator/reset").raise_for_status()
    PLAIN.put(f"{server.url}/_emulator/config", json={**settings, "faults": faults}).raise_for_status()


def create(server: EmulatorServer, payload: dict[str, Any], fault: str, **settings: Any) -> httpx.Response | Exception:
    """The response to one creation hit by a fault, or the transport error."""
    configure(server, fault, **settings)
    with httpx.Client(base_url=server.url, headers={"X-API-Key": "k"}, timeout=0.4, verify=False) as client:
        try:
            return client.post("/runs", params=REGION, json=payload)
        except httpx.TransportError as error:
            return error


def count_runs(server: EmulatorServer, *, at_least: int = 0) -> int:
    """The runs that exist. A client that gives up may do so before a busy machine has created its run."""
    until = time.monotonic() + 10
    while True:
        count = len(PLAIN.get(f"{server.url}/_emulator/runs").text.splitlines())
        if count >= at_least or time.monotonic() > until:
            return count
        time.sleep(0.02)
