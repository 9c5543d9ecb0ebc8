"""How many ``POST /runs`` a second the emulator answers on one core, with validation on.

    python benchmarks/emulator.py [--rounds 5] [--seconds 2] [--connections 32] [-- EMULATOR-FLAGS]

The emulator runs as its own process on the first core, the client on the second; each connection sends its next
request when the last one is answered. The client is a bare asyncio protocol, so that the server is what is measured.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from typing_extensions import override

PAYLOAD = {
    "name": "benchmark-0000000000",
    "runtime": "tiny",
    "timeoutSeconds": 7200,
    "runPython": {
        "uri": "s3://bucket/scripts/ndvi.py",
        "args": ["--date", "2026-07-10", "--region", "us-west", "--out", "s3://bucket/out/"],
    },
    "environment": {
        "sparkConfigs": {"spark.sql.shuffle.partitions": "200"},
        "dependencies": [{"sourceType": "PYPI", "libraryName": "h3", "libraryVersion": "4.1.0"}],
    },
}


class Caller(asyncio.Protocol):
    """Sends the same request again and again over one connection."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._missing = 0
        self.answers = 0
        self.created = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        if not self._missing:
            head, _, _ = data.partition(b"\r\n\r\n")
            at = head.index(b"content-length: ") + 16
            self._missing = len(head) + 4 + int(head[at : at + 9].split(b"\r", 1)[0])
            self.created += data.startswith(b"HTTP/1.1 201")
        self._missing -= len(data)
        if not self._missing:
            self.answers += 1
            self._transport.write(self._request)

    def close(self) -> None:
        self._transport.abort()


async def measure(host: str, port: int, connections: int, seconds: float) -> tuple[float, float]:
    """Answers a second, and the share of them that created a run."""
    body = json.dumps(PAYLOAD).encode()
    head = f"POST /runs?region=aws-us-west-2 HTTP/1.1\r\nHost: {host}\r\nX-API-Key: key\r\nContent-Type: application/json\r\n"
    request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
    loop = asyncio.get_running_loop()
    callers = [(await loop.create_connection(lambda: Caller(request), host, port))[1] for _ in range(connections)]
    await asyncio.sleep(0.5)
    before = sum(caller.answers for caller in callers)
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    answers = sum(caller.answers for caller in callers) - before
    elapsed = time.perf_counter() - began
    share = sum(caller.created for caller in callers) / max(1, sum(caller.answers for caller in callers))
    for caller in callers:
        caller.close()
    return answers / elapsed, share


def start(flags: Sequence[str]) -> tuple[subprocess.Popen[str], str, int]:
    """An emulator on the first core, and where it listens."""
    command = [sys.executable, "-m", "batchrun", "emulator", *flags]
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),  # noqa: PLW1509 - no threads here
    )
    assert server.stdout is not None
    parts = urlsplit(server.stdout.readline().split()[-1])
    assert parts.hostname is not None
    assert parts.port is not None
    return server, parts.hostname, parts.port


def main() -> None:
    parser = argparse.ArgumentParser(description="Throughput of POST /runs on one core.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("flags", nargs="*", help="flags of the emulator, after --")
    options = parser.parse_args()
    server, host, port = start(options.flags)
    try:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        rounds = [asyncio.run(measure(host, port, options.connections, options.seconds)) for _ in range(options.rounds)]
    finally:
        server.terminate()
        server.wait(10)
    rates = [rate for rate, _ in rounds]
    print(f"POST /runs, {options.connections} connections, {options.rounds} rounds of {options.seconds:g} s")
    print(f"median {statistics.median(rates):,.0f}/s, from {min(rates):,.0f} to {max(rates):,.0f}")
    print(f"created: {min(share for _, share in rounds):.1%} of the answers")


if __name__ == "__main__":
    main()
