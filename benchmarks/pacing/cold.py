"""Whole batches from a cold start, and a service that queues instead of refusing: on the virtual clock."""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from typing_extensions import override

from batchrun.engine.pacing.limit_search import LimitSearch
from benchmarks.pacing.cases import OURS
from benchmarks.pacing.clients import PEERS, ConstantRate, SearchClient
from benchmarks.pacing.limiters import FixedWindow, Limiter, TokenBucket
from benchmarks.pacing.parallel import run_all
from benchmarks.pacing.simulator import Client, Network, Result, simulate
from benchmarks.pacing.tables import head, row

__all__ = ["cold", "queue"]

ORACLE = "oracle"
SIZES, SEEDS, PATIENCE_S = (100, 1_000, 10_000), (101, 102, 103), 3600.0
ORACLE_SHARE = 0.99
NEARBY = Network(delay_s=0.0005, jitter_s=0.0003, service_s=0.003, refusal_s=0.001)
NETWORKS = {"far": Network(), "nearby": NEARBY}
SERVICES: dict[str, tuple[float, Callable[[], Limiter]]] = {
    "bucket 130/s, burst 8": (130.0, lambda: TokenBucket(130.0, 8.0)),
    "bucket 50/s, burst 50": (50.0, lambda: TokenBucket(50.0, 50.0)),
    "window of 1 s, 50/s": (50.0, lambda: FixedWindow(50.0, 1.0, 0.37)),
}
FREE: Callable[[], Limiter] = lambda: TokenBucket(1e9, 1e9)  # noqa: E731 - one of the services, without a limit
QUEUEING = {
    "50/s, 4 at a time": Network(servers=4),
    "50/s, 4 at a time, nearby": Network(servers=4, delay_s=0.0005, jitter_s=0.0003),
    "12/s, 1 at a time": Network(servers=1),
    "2/s, 10 at a time for 5 s": Network(servers=10, service_s=5.0),
}
QUEUE_S, MARKS_S = 120.0, (5, 10, 30, 60, 119)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    service: str
    network: str
    client: str
    runs: int
    seed: int


def cold() -> None:
    print("\n## Whole batches from a cold start: seconds, and requests refused, median of three seeds\n")
    clients = [OURS, ORACLE, *PEERS]
    keys = list(product(SERVICES, NETWORKS, SIZES))
    batches = {
        (key, client): [_Batch(service=key[0], network=key[1], client=client, runs=key[2], seed=seed) for seed in SEEDS]
        for key, client in product(keys, clients)
    }
    results = run_all(_send, batches, longest_first=lambda batch: batch.runs)
    head(["limit", "service", "runs", *clients])
    for service, network, runs in keys:
        cells = [_cell(results[(service, network, runs), client], runs) for client in clients]
        row([service, network, f"{runs:,}", *cells])


def _send(batch: _Batch) -> Result:
    rate, make = SERVICES[batch.service]
    client: Client
    if batch.client == OURS:
        client = SearchClient(LimitSearch())
    elif batch.client == ORACLE:
        client = ConstantRate(rate * ORACLE_SHARE)
    else:
        client = PEERS[batch.client](batch.seed)
    return simulate(
        client, make(), seconds=PATIENCE_S, work=batch.runs, seed=batch.seed, network=NETWORKS[batch.network]
    )


def _cell(results: list[Result], runs: int) -> str:
    if any(result.accepted < runs for result in results):
        return "not in an hour"
    refused = statistics.median(result.refused for result in results)
    return f"{statistics.median(result.seconds for result in results):.1f} s / {refused:g}"


class _Unbounded(LimitSearch):
    """Without the bound on what is in flight."""

    @property
    @override
    def most_in_flight(self) -> int:
        return sys.maxsize


def queue() -> None:
    print("\n## A service that queues instead of refusing: in flight / seconds that a response takes\n")
    head(["service", "bound", *(f"after {mark} s" for mark in MARKS_S), "created in 120 s"])
    for (name, network), is_bounded in product(QUEUEING.items(), (False, True)):
        search = LimitSearch() if is_bounded else _Unbounded()
        result = simulate(SearchClient(search), FREE(), seconds=QUEUE_S, seed=1, network=network)
        row([name, "yes" if is_bounded else "no", *(_at(result, mark) for mark in MARKS_S), f"{result.accepted:,}"])


def _at(result: Result, second: int) -> str:
    until = min(second, len(result.in_flight_each_second) - 1)
    latencies = result.latency_each_second[max(0, until - 4) : until + 1]
    return f"{result.in_flight_each_second[until]} / {statistics.mean(latencies):.1f} s"
