"""What a request costs on each transport, with TLS and without: ``POST /runs`` through the client, nothing else.

python -m benchmarks.transports [--runs 3000] [--repeat 3] [--connections 8 64]

nginx answers with a constant; each case is one process that warms up first, and the cases take turns. ``open`` is the
time until the first answer: connecting and, with TLS, loading certificates and the handshake.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from statistics import median

import uvloop
from pydantic import SecretStr

from batchrun.wherobots.answers import Created
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport
from benchmarks.baselines.loops import BODY
from benchmarks.server import fast_server, fast_tls_server

REGION = "aws-us-west-2"


async def one(url: str, kind: TransportKind, connections: int, runs: int) -> dict[str, float]:
    settings = ApiSettings(api_key=SecretStr("bench"), base_url=url)
    began = time.perf_counter()
    async with RunsClient(settings, open_transport(settings, connections=connections, kind=kind)) as client:
        assert isinstance(await client.create(REGION, BODY), Created)
        opened = time.perf_counter()
        await spread(client, connections, connections * 2)
        warm, cpu = time.perf_counter(), time.process_time()
        await spread(client, connections, runs)
        done = time.perf_counter()
    return {
        "open_ms": (opened - began) * 1e3,
        "per_s": runs / (done - warm),
        "cpu_us": (time.process_time() - cpu) / runs * 1e6,
    }


async def spread(client: RunsClient, connections: int, runs: int) -> None:
    left = iter(range(runs))

    async def work() -> None:
        for _ in left:
            assert isinstance(await client.create(REGION, BODY), Created)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(work())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--one", nargs=4, metavar=("URL", "KIND", "CONNECTIONS", "LOOP"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        url, kind, connections, loop = args.one
        run = uvloop.run if loop == "uvloop" else asyncio.run
        print(json.dumps(run(one(url, TransportKind(kind), int(connections), args.runs))))
        return
    cases = [
        (tls, kind, connections, loop)
        for tls in (False, True)
        for kind in TransportKind
        for connections in args.connections
        for loop in ("asyncio", "uvloop")
    ]
    found: dict[tuple[bool, TransportKind, int, str], list[dict[str, float]]] = {case: [] for case in cases}
    with fast_server() as (plain, _), fast_tls_server() as (safe, ca_file):
        for _ in range(args.repeat):
            for case in cases:
                tls, kind, connections, loop = case
                words = ["--runs", str(args.runs), "--one", safe if tls else plain, kind, str(connections), loop]
                environ = os.environ | {"SSL_CERT_FILE": str(ca_file)}
                said = subprocess.run(
                    [sys.executable, "-m", "benchmarks.transports", *words],
                    env=environ,
                    check=True,
                    capture_output=True,
                ).stdout
                found[case].append(json.loads(said))
    print("| transport | loop | connections | TLS | requests a second | µs CPU each | first answer, ms |")
    print("|---|---|---:|---|---:|---:|---:|")
    for (tls, kind, connections, loop), many in found.items():
        per_s, cpu, opened = (median(one[key] for one in many) for key in ("per_s", "cpu_us", "open_ms"))
        case_words = f"| {kind} | {loop} | {connections} | {'yes' if tls else 'no'}"
        print(f"{case_words} | {per_s:,.0f} | {cpu:,.0f} | {opened:,.0f} |")


if __name__ == "__main__":
    main()
