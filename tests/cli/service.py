"""What tests do to an emulator behind a command's back."""

import json
import urllib.request
from collections import Counter
from typing import Any

from batchrun.emulator.http.server import EmulatorServer
from tests.cli.conftest import KEY

__all__ = ["configure", "create", "delete", "runs", "times"]


def _call(server: EmulatorServer, path: str, body: Any = None, *, method: str = "POST") -> bytes:
    headers = {"Content-Type": "application/json", "X-API-Key": KEY}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, headers, method=method if data is not None else "GET")
    with urllib.request.urlopen(request) as answer:
        content: bytes = answer.read()
        return content


def configure(server: EmulatorServer, **settings: Any) -> None:
    """Change how the service behaves from now on."""
    _call(server, "/_emulator/config", settings, method="PUT")


def runs(server: EmulatorServer) -> list[dict[str, Any]]:
    """Every run that was ever created."""
    return [json.loads(line) for line in _call(server, "/_emulator/runs").splitlines()]


def times(server: EmulatorServer) -> set[int]:
    """How often the names exist."""
    return set(Counter(run["name"] for run in runs(server)).values())


def create(server: EmulatorServer, site: str, year: int, **changes: Any) -> str:
    """Create a run of the tests' manifest, or one that only has its name; returns the id."""
    payload: dict[str, Any] = {
        "name": f"job-{site}-{year}",
        "runtime": "tiny",
        "runPython": {"uri": "s3://acme/jobs/job.py", "args": ["--site", site, "--year", str(year)]},
    }
    run_id: str = json.loads(_call(server, "/runs?region=aws-us-west-2", payload | changes))["id"]
    return run_id


def delete(server: EmulatorServer, **which: Any) -> None:
    _call(server, "/_emulator/delete", which)
