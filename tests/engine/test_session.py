"""One session from its first event to its last, however it ends."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from batchrun.engine.batch import new_batch
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.progress import Reporter
from batchrun.engine.session.session import run_session
from batchrun.engine.session.wiring import SessionSpec
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.ledger.events import Event, SessionEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events
from tests.engine.parts import CTRL_C, Notes, Wire, client_of, emulator
from tests.engine.service import URL, plan_of
from tests.engine.virtual_time import VirtualClock

RUNS = 4


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


@asynccontextmanager
async def session(folder: Path, *, rate: float = 1000.0) -> AsyncIterator[tuple[SessionSpec, Wire]]:
    plan, wire, settings = plan_of(RUNS), emulator(), SubmitSettings(rate=rate)
    with FileLedger.open(folder / "l", create=True) as ledger:
        await ledger.begin(new_batch(plan, URL))
        async with client_of(wire) as client:
            yield (
                SessionSpec(
                    plan=plan,
                    ledger=ledger,
                    client=client,
                    pacer=pacer_for(client, settings, ledger.state),
                    settings=settings,
                    reporter=Reporter(Notes()),
                    switch=StopSwitch(),
                ),
                wire,
            )


def events(folder: Path) -> list[Event]:
    """What the file holds after the batch's own line."""
    return list(read_events(folder / "l"))[1:]


def ends(folder: Path) -> list[tuple[str, str]]:
    return [(one.action, one.reason) for one in events(folder) if isinstance(one, SessionEvent)]


async def test_its_first_event_and_its_last_enclose_all_others(tmp_path: Path) -> None:
    async with session(tmp_path) as (spec, wire):
        ended = await run_session(spec)
    first, *_, last = events(tmp_path)
    assert isinstance(first, SessionEvent)
    assert isinstance(last, SessionEvent)
    assert (first.action, last.action, last.reason) == ("start", "stop", "done")
    assert first.totals is None
    assert last.totals == {"pending": 0, "submitted": RUNS, "rejected": 0, "failed": 0, "unknown": 0, "dropped": 0}
    assert (ended.stop, ended.progress.submitted, len(wire.posts)) == (None, RUNS, RUNS)


async def test_stopped_before_it_began_it_sends_nothing_and_says_why(tmp_path: Path) -> None:
    async with session(tmp_path) as (spec, wire):
        spec.switch.pull(CTRL_C)
        ended = await run_session(spec)
    assert (wire.requests, ended.stop, ended.progress.pending) == ([], CTRL_C, RUNS)
    assert ends(tmp_path) == [("stop", "interrupted")]


async def test_stopped_in_the_middle_it_ends_what_is_in_flight_and_keeps_the_rest(tmp_path: Path) -> None:
    async with session(tmp_path, rate=1.0) as (spec, wire), anyio.create_task_group() as tasks:

        async def stop() -> None:
            await anyio.sleep(1.5)
            spec.switch.pull(CTRL_C)

        tasks.start_soon(stop)
        ended = await run_session(spec)
    assert ended.progress.submitted == len(wire.posts) < RUNS
    assert ended.progress.submitted + ended.progress.pending == RUNS
    assert ends(tmp_path) == [("start", ""), ("stop", "interrupted")]


async def test_cancelled_by_its_caller_it_still_records_its_end(tmp_path: Path) -> None:
    async with session(tmp_path, rate=1.0) as (spec, _):
        with anyio.move_on_after(1.5):
            await run_session(spec)
        assert spec.switch.stop is not None
    assert ends(tmp_path) == [("start", ""), ("stop", "cancelled")]


async def test_a_ledger_that_cannot_be_written_sends_nothing(tmp_path: Path) -> None:
    async with session(tmp_path) as (spec, wire):
        readonly = os.open(spec.ledger.path, os.O_RDONLY)
        os.dup2(readonly, spec.ledger._fd)
        os.close(readonly)
        ended = await run_session(spec)
    assert wire.requests == []
    assert ended.stop is not None
    assert (ended.stop.reason, ended.progress.pending) == (StopReason.LEDGER, RUNS)
