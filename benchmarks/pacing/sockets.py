"""Pacing over real sockets: the emulator in a process of its own, and workers that only send attempts."""

import bisect
import json
import math
import multiprocessing
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import anyio
from pydantic import SecretStr

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.pacing.search_values import Learned
from batchrun.engine.verdicts import Pressure, judge
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["Seen", "configure", "emulator", "send_for"]

BODY = json.dumps({"name": "pacing", "runtime": "tiny", "runPython": {"uri": "s3://bucket/job.py"}}).encode()
CONNECTIONS = 128


@dataclass(slots=True)
class Seen:
    """When each attempt was sent, by the kind of its response."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)
    learned: Learned | None = None

    @property
    def sent(self) -> list[float]:
        return sorted(self.accepted + self.refused + self.failed)

    @property
    def mean_per_s(self) -> float:
        sent = self.sent
        return (len(sent) - 1) / (sent[-1] - sent[0])

    @property
    def most_in_a_second(self) -> int:
        sent = self.sent
        return max(bisect.bisect_left(sent, at + 1.0) - number for number, at in enumerate(sent))

    @property
    def share_refused(self) -> float:
        return len(self.refused) / max(1, len(self.accepted) + len(self.refused))


def send_for(
    seconds: float, make_pacer: Callable[[], Pacer], url: str, *, meanwhile: Callable[[], None] | None = None
) -> Seen:
    """Send paced attempts for ``seconds``, with ``meanwhile`` in a thread."""
    return anyio.run(_send_for, seconds, make_pacer, url, meanwhile)


async def _send_for(
    seconds: float, make_pacer: Callable[[], Pacer], url: str, meanwhile: Callable[[], None] | None
) -> Seen:
    settings = ApiSettings(api_key=SecretStr("bench-key"), base_url=url)
    seen, pacer, end = Seen(), make_pacer(), time.monotonic() + seconds
    async with RunsClient(settings, open_transport(settings, connections=CONNECTIONS)) as client:
        with anyio.move_on_after(seconds + 5.0):
            async with anyio.create_task_group() as workers:
                for _ in range(CONNECTIONS):
                    workers.start_soon(_work, client, pacer, seen, end)
                if meanwhile is not None:
                    workers.start_soon(anyio.to_thread.run_sync, meanwhile)
    seen.learned = pacer.learned()
    return seen


async def _work(client: RunsClient, pacer: Pacer, seen: Seen, end: float) -> None:
    while True:
        permit = await pacer.wait_for_permit()
        sent_at = time.monotonic()
        if sent_at >= end:
            return
        answer = await client.create("aws-us-west-2", BODY)
        verdict = judge(answer, may_exist=False)
        pacer.answered(permit, verdict, time.monotonic() - sent_at)
        pacer.ended(permit)
        kinds = {Pressure.RATE: seen.refused, Pressure.SICK: seen.failed}
        kinds.get(verdict.pressure, seen.accepted).append(sent_at)


@contextmanager
def emulator(**settings: Any) -> Iterator[str]:  # noqa: ANN401 - settings have different types
    """An emulator in another process; its URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
    process.start()
    try:
        yield str(ours.recv())
    finally:
        ours.send("stop")
        process.join(10.0)


def _serve(pipe: Connection, settings: dict[str, Any]) -> None:
    with EmulatorServer(EmulatorSettings.model_validate(settings)) as server:
        pipe.send(server.url)
        pipe.recv()


def configure(url: str, **settings: Any) -> None:  # noqa: ANN401 - settings have different types
    request = urllib.request.Request(
        f"{url}/_emulator/config",
        data=json.dumps(settings).encode(),
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10.0) as reply:
        reply.read()


def first_after(times: list[float], at: float) -> float:
    """Seconds from ``at`` to the first of these times."""
    return next((moment - at for moment in sorted(times) if moment >= at), math.inf)
