"""One attempt: journaled before it is sent, and not sent at all if something came between."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.emulator.http.app import create_app
from batchrun.emulator.settings import EmulatorSettings, Faults
from batchrun.errors import LedgerWriteError
from batchrun.ledger.events import AttemptEvent, RefusedEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state
from tests.engine.parts import CTRL_C, Parts, Wire, emulator, open_parts
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


@asynccontextmanager
async def opened(folder: Path, *, runs: int = 1, **faults: float) -> AsyncIterator[tuple[Parts, Wire]]:
    wire = emulator(EmulatorSettings(faults=Faults.model_validate(faults)))
    async with open_parts(folder, plan_of(runs), wire) as parts:
        yield parts, wire


async def test_the_attempt_is_in_the_file_when_its_post_arrives(tmp_path: Path) -> None:
    seen: list[Outcome] = []
    service = httpx.ASGITransport(create_app())

    async def look(request: httpx.Request) -> httpx.Response:
        state = read_state(tmp_path / "sweep.ledger.jsonl")
        seen.extend(run.outcome for run in state.runs.values())
        return await service.handle_async_request(request)

    async with open_parts(tmp_path, plan_of(1), httpx.MockTransport(look)) as parts:
        work = await parts.take()
        await parts.attempt(work)
        assert seen == [Outcome.UNKNOWN]
        assert await parts.outcome(work) is Outcome.SUBMITTED


async def test_exactly_the_planned_body_is_sent_once_to_the_planned_region(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, wire):
        work = await parts.take()
        await parts.attempt(work)
        (post,) = wire.posts
        assert post.content == work.run.body
        assert post.url.params["region"] == work.run.region
        assert [type(event) for event in await parts.events()] == [AttemptEvent, SubmittedEvent]


async def test_a_pause_that_began_while_the_attempt_was_journaled_holds_it_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, wire):
        work = await parts.take()
        permit = await parts.pacer.wait_for_permit()
        parts.pacer.pause(60.0, "the service asked to slow down")
        await parts.attempts.attempt(work, permit)
        assert wire.posts == []
        attempt, refusal = await parts.events()
        assert isinstance(attempt, AttemptEvent)
        assert isinstance(refusal, RefusedEvent)
        assert (attempt.n, refusal.n, refusal.code, refusal.status) == (1, 1, "UNSENT", None)
        assert await parts.backlog.take() is work


async def test_a_stop_that_came_while_the_attempt_was_journaled_holds_it_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, wire):
        work = await parts.take()
        permit = await parts.pacer.wait_for_permit()
        parts.switch.pull(CTRL_C)
        await parts.attempts.attempt(work, permit)
        assert wire.posts == []
        assert await parts.outcome(work) is Outcome.PENDING
        assert parts.backlog.waiting == 1
        assert parts.tally.attempts == 0


async def test_what_was_held_back_has_the_next_number_and_is_no_retry(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, wire):
        work = await parts.take()
        permit = await parts.pacer.wait_for_permit()
        parts.pacer.pause(0.02, "short")
        await parts.attempts.attempt(work, permit)
        await parts.backlog.take()
        await parts.attempt(work)
        assert len(wire.posts) == 1
        assert [getattr(event, "n", None) for event in await parts.events()] == [1, 1, 2, 2]
        assert (parts.tally.attempts, parts.tally.retries) == (1, 0)


async def test_nothing_is_sent_after_a_sync_that_failed(tmp_path: Path) -> None:
    async with opened(tmp_path, runs=2) as (parts, wire):
        readonly = os.open(parts.ledger.path, os.O_RDONLY)
        os.dup2(readonly, parts.ledger._fd)
        os.close(readonly)
        for _ in range(2):
            with pytest.raises(LedgerWriteError):
                await parts.attempt(await parts.take())
        assert wire.posts == []
        assert parts.tally.attempts == 0


async def test_a_second_attempt_is_a_retry(tmp_path: Path) -> None:
    async with opened(tmp_path, conflict=1.0) as (parts, wire):
        work = await parts.take()
        await parts.attempt(work)
        assert (parts.tally.attempts, parts.tally.retries) == (1, 0)
        assert await parts.backlog.take() is work
        await parts.attempt(work)
        assert (parts.tally.attempts, parts.tally.retries) == (2, 1)
        assert len(wire.posts) == 2


async def test_a_response_that_proves_nothing_leaves_the_run_unknown_and_nothing_in_flight(tmp_path: Path) -> None:
    async with opened(tmp_path, error_after_commit=1.0) as (parts, _):
        work = await parts.take()
        await parts.attempt(work)
        assert isinstance((await parts.events())[-1], UnknownEvent)
        assert parts.is_settling(work)
        assert parts.tally.in_flight == 0


async def test_a_refusal_for_rate_holds_everyone_else(tmp_path: Path) -> None:
    async with opened(tmp_path, rate_limit=1.0) as (parts, _):
        await parts.attempt(await parts.take())
        assert parts.pacer.is_paused


@pytest.mark.parametrize(("offset_s", "shift_s"), [(-1000.0, -1000.0), (1000.0, 0.0), (None, -3600.0)])
async def test_the_time_of_an_attempt_is_the_earliest_that_its_run_can_carry(
    tmp_path: Path, offset_s: float | None, shift_s: float
) -> None:
    async with opened(tmp_path, error_before_commit=1.0) as (parts, _):
        work = await parts.take()
        parts.client.clock.offset_s = offset_s
        await parts.attempt(work)
        assert work.first_unknown_at_s == pytest.approx(parts.ledger.clock.now() + shift_s, abs=1.0)
