"""The worker pool over a service whose responses a test holds back."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
from typing_extensions import override

from batchrun.emulator.http.app import create_app
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.ledger.fold import Outcome
from tests.engine.parts import CTRL_C, Parts, open_parts
from tests.engine.service import plan_of


class SlowService(httpx.AsyncBaseTransport):
    """Creates at once and responds ``latency_s`` later; ``on_request`` gets the number of each request, from 1."""

    def __init__(self, latency_s: float, on_request: Callable[[int], object] = lambda _: None) -> None:
        self.requests = 0
        self.at_once = 0
        self.most_at_once = 0
        self.names: list[str] = []
        self.on_request = on_request
        self._latency_s = latency_s
        self._service = httpx.ASGITransport(create_app())

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.on_request(self.requests)
        try:
            response = await self._service.handle_async_request(request)
            await anyio.sleep(self._latency_s)
            return response
        finally:
            self.at_once -= 1


def settings(concurrency: int) -> SubmitSettings:
    return SubmitSettings(concurrency=concurrency, rate=1e5)


async def test_every_run_is_submitted_by_no_more_workers_than_allowed(tmp_path: Path) -> None:
    service = SlowService(0.02)
    async with open_parts(tmp_path, plan_of(20), service, settings=settings(4)) as parts:
        await parts.workers.run()
        assert parts.counts == {"submitted": 20}
        assert service.requests == 20
        assert service.most_at_once == 4


async def test_more_workers_than_runs_end_with_the_last_run(tmp_path: Path) -> None:
    service = SlowService(0.02)
    async with open_parts(tmp_path, plan_of(2), service, settings=settings(50)) as parts:
        await parts.workers.run()
        assert parts.counts == {"submitted": 2}


async def test_on_a_stop_attempts_in_flight_end_and_are_recorded_and_no_more_are_sent(tmp_path: Path) -> None:
    service = SlowService(0.1)
    async with open_parts(tmp_path, plan_of(20), service, settings=settings(3)) as parts:
        service.on_request = lambda n: parts.switch.pull(CTRL_C) if n == 3 else None
        await parts.workers.run()
        assert service.requests == 3
        state = await parts.state()
        assert state.count(Outcome.SUBMITTED) == 3
        assert state.count(Outcome.PENDING) == 17
        assert state.open_attempts == 0


async def test_a_stop_ends_workers_that_wait_for_their_turn_at_once(tmp_path: Path) -> None:
    service = SlowService(0.0)
    async with open_parts(tmp_path, plan_of(20), service, settings=settings(4)) as parts:
        parts.pacer.pause(3600.0, "a long pause")
        began_s = time.monotonic()
        await run_for(parts, 0.2)
        assert time.monotonic() - began_s < 5.0
        assert service.requests == 0
        assert (await parts.state()).attempts == 0


async def test_a_stop_ends_workers_that_wait_for_a_run(tmp_path: Path) -> None:
    async with open_parts(tmp_path, plan_of(1), SlowService(0.0), settings=settings(4)) as parts:
        parts.backlog.adopt()
        began_s = time.monotonic()
        await run_for(parts, 0.2)
        assert time.monotonic() - began_s < 5.0
        assert parts.counts == {"submitted": 1}


async def run_for(parts: Parts, seconds: float) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(parts.workers.run)
        await anyio.sleep(seconds)
        parts.switch.pull(CTRL_C)


async def test_a_ledger_that_cannot_be_written_stops_the_batch_with_nothing_sent(tmp_path: Path) -> None:
    service = SlowService(0.0)
    async with open_parts(tmp_path, plan_of(20), service, settings=settings(4)) as parts:
        readonly = os.open(parts.ledger.path, os.O_RDONLY)
        os.dup2(readonly, parts.ledger._fd)
        os.close(readonly)
        await parts.workers.run()
        assert parts.switch.stop is not None
        assert parts.switch.stop.reason is StopReason.LEDGER
        assert service.requests == 0


async def test_a_run_that_waits_for_its_next_attempt_holds_no_worker(tmp_path: Path) -> None:
    """With one worker, a run that conflicts for a while is overtaken by the others."""
    names: list[str] = []
    service = httpx.ASGITransport(create_app())

    async def conflicting_once(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":  # it is looked for before it is sent again
            return await service.handle_async_request(request)
        names.append(json.loads(await request.aread())["name"])
        if len(names) == 1:
            body = {"errors": [{"code": "CONFLICT_ERROR", "message": "busy"}]}
            return httpx.Response(409, json=body, headers={"Retry-After": "0.4"}, request=request)
        return await service.handle_async_request(request)

    async with open_parts(tmp_path, plan_of(3), httpx.MockTransport(conflicting_once), settings=settings(1)) as parts:
        began_s = time.monotonic()
        await parts.workers.run()
        assert names == ["tile-run-1", "tile-run-2", "tile-run-3", "tile-run-1"]
        assert parts.counts == {"submitted": 3}
        assert time.monotonic() - began_s >= 0.4
