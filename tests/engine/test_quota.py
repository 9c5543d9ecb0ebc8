"""A quota is no verdict on a run: it is waited for, whoever holds it, with few attempts."""

import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.progress import Progress
from batchrun.engine.sending.active_runs import HeldBy
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.submit import Submission, submit
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from batchrun.tracking.changes import new_run
from tests.engine.parts import Parts, Wire, client_of, emulator, open_parts
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def create(parts: Parts, number: int) -> None:
    parts.active_runs.created(new_run(f"key-{number}", f"name-{number}", f"id-{number}", "RUNNING"))


async def entered_after_s(parts: Parts, *, within_s: float = 1000.0) -> float | None:
    """How long it takes to get a slot; None if there is none."""
    began = time.monotonic()
    with anyio.move_on_after(within_s):
        await parts.active_runs.enter()
        return round(time.monotonic() - began, 2)
    return None


async def test_a_quota_that_others_hold_is_tried_by_one_run_at_a_time_at_growing_gaps(tmp_path: Path) -> None:
    async with open_parts(tmp_path, plan_of(50), emulator()) as parts:
        active_runs = parts.active_runs
        await active_runs.enter()
        gaps = []
        for _ in range(4):
            active_runs.quota_refused()
            active_runs.release()
            assert active_runs.held_by is HeldBy.QUOTA
            gaps.append(await entered_after_s(parts))
            assert await entered_after_s(parts, within_s=1.0) is None
    assert gaps == [2.0, 4.0, 8.0, 16.0]


async def test_once_a_run_is_created_the_next_is_tried_at_once(tmp_path: Path) -> None:
    async with open_parts(tmp_path, plan_of(50), emulator()) as parts:
        active_runs = parts.active_runs
        await active_runs.enter()
        active_runs.quota_refused()
        active_runs.release()
        await active_runs.enter()
        for number in range(5):
            create(parts, number)
            active_runs.release()
            assert active_runs.limit == number + 1
            assert await entered_after_s(parts) == 0.0


async def test_runs_of_our_own_that_end_make_room_without_a_probe(tmp_path: Path) -> None:
    async with open_parts(tmp_path, plan_of(50), emulator(), settings=SubmitSettings(max_active=9)) as parts:
        active_runs = parts.active_runs
        for number in range(3):
            create(parts, number)
        for _ in range(6):  # their gap is a minute by then
            await active_runs.enter()
            active_runs.quota_refused()
            active_runs.looked()
            active_runs.release()
        assert active_runs.limit == 3
        parts.poller.active.pop("id-0")
        active_runs.ended()
        assert await entered_after_s(parts) == 0.0


class Seen:
    """An observer that keeps the words for what holds the batch."""

    def __init__(self) -> None:
        self.paces: set[str] = set()

    def progress(self, progress: Progress) -> None:
        self.paces.add(progress.pace)

    def note(self, note: object) -> None: ...


async def submitted(folder: Path, wire: Wire, observer: Seen, **settings: Any) -> Submission:
    chosen = SubmitSettings(settle_after_s=1.0, **settings)
    async with client_of(wire) as client:
        with FileLedger.open(folder / "a.ledger.jsonl", create=True) as ledger:
            return await submit(plan_of(40), ledger, client, settings=chosen, observer=observer)


async def test_a_quota_held_by_others_burns_no_run_and_ends_resumably(tmp_path: Path) -> None:
    wire, seen = emulator(EmulatorSettings(quota_runs=5, quota_held=5)), Seen()
    ended = await submitted(tmp_path, wire, seen, give_up_after_s=300.0)
    assert ended.progress.failed == 0
    assert ended.progress.pending == 40
    assert ended.stop is not None
    assert ended.stop.reason is StopReason.GAVE_UP
    assert "INSUFFICIENT_QUOTA_ERROR" in ended.stop.problem.fact
    assert len(wire.posts) < 16 + 12
    assert any(pace.startswith("held at 0 active: quota, next attempt in") for pace in seen.paces)
    assert read_state(tmp_path / "a.ledger.jsonl").refusals["INSUFFICIENT_QUOTA_ERROR"] == len(wire.posts)


async def test_a_batch_whose_own_runs_stay_pending_under_a_quota_gives_up(tmp_path: Path) -> None:
    wire, seen = emulator(EmulatorSettings(quota_runs=3, capacity_runs=1, capacity_held=1)), Seen()
    ended = await submitted(tmp_path, wire, seen, give_up_after_s=120.0)
    assert (ended.progress.submitted, ended.progress.pending, ended.progress.left_s) == (3, 37, None)
    assert ended.stop is not None
    assert ended.stop.reason is StopReason.GAVE_UP
    assert ended.progress.elapsed_s < 180.0
    assert any(pace.startswith("held at 3 active: quota, next attempt in") for pace in seen.paces)


async def test_own_runs_that_change_under_a_quota_renew_the_patience(tmp_path: Path) -> None:
    wire, seen = emulator(EmulatorSettings(quota_runs=10, startup_s=100.0, run_s=100.0)), Seen()
    ended = await submitted(tmp_path, wire, seen, give_up_after_s=150.0)
    assert (ended.stop, ended.progress.submitted) == (None, 40)


async def test_the_rate_search_does_not_climb_on_a_quota(tmp_path: Path) -> None:
    wire, seen = emulator(EmulatorSettings(quota_runs=5, quota_held=5)), Seen()
    ended = await submitted(tmp_path, wire, seen, give_up_after_s=600.0)
    assert ended.progress.limit_per_s is None or ended.progress.limit_per_s <= 10.0
