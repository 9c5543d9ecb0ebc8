"""The service of a round: an emulator in a process of its own, and how it misbehaves."""

import json
import random
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Service", "misbehaviour", "service"]

MOST = {
    "reset_after_commit": 0.03,
    "error_after_commit": 0.03,
    "cut_body": 0.02,
    "garbled_body": 0.02,
    "hang": 0.006,
    "late_commit": 0.006,
    "hang_before_commit": 0.006,
    "reset_before_commit": 0.02,
    "error_before_commit": 0.02,
    "conflict": 0.02,
    "slow": 0.02,
    "rate_limit": 0.006,
    "unavailable": 0.003,
}
"""The largest share of requests that each fault strikes; a round draws its own below."""


class Service:
    """An emulator in a process of its own, through its control calls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, path: str, *, method: str = "GET", body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            held: bytes = answer.read()
        return held

    def create(self, body: dict[str, Any]) -> str:
        """Create a run as another client of the same organization would."""
        headers = {"Content-Type": "application/json", "X-API-Key": "chaos-key"}
        url = f"{self.url}/runs?region=aws-us-west-2"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["id"])

    def held(self) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.call("runs").splitlines())

    def faults(self) -> Counter[str]:
        return Counter(json.loads(self.call("stats"))["faults"])


@contextmanager
def service() -> Iterator[Service]:
    command = [sys.executable, "-m", "batchrun", "emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Service(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def misbehaviour(chance: random.Random) -> dict[str, Any]:
    """The service's settings for one round."""
    return {
        "seed": chance.randrange(10**6),
        "faults": {name: round(share * chance.random(), 4) for name, share in MOST.items()},
        "error_statuses": chance.sample([500, 502, 503, 504], 2),
        "retry_after": chance.choice(["none", "seconds", "fraction", "date", "mixed", "odd"]),
        "list_lag_s": chance.choice([0, 0.1, 0.3]),
        "list_name_match": chance.choice(["exact", "substring"]),
        "late_commit_s": 0.3,
        "slow_s": 0.2,
        "hang_s": 20,
    }
