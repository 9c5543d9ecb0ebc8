"""Created runs are followed during a session: their end makes room, and the ledger has it."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_extensions import override

from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.submit import Submission, submit
from batchrun.errors import Problem
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from batchrun.tracking.changes import Change
from tests.engine.parts import Wire, client_of, emulator
from tests.engine.service import open_client, plan_of
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


async def submitted(path: Path, emulated: EmulatorSettings, *, runs: int = 6, **more: Any) -> Submission:
    plan, settings = plan_of(runs), SubmitSettings(rate=more.pop("rate", 100), max_active=more.pop("max_active", None))
    async with open_client(emulated) as client:
        with FileLedger.open(path, create=True) as ledger:
            return await submit(plan, ledger, client, settings=settings, **more)


async def test_runs_that_the_service_forgets_make_room_as_well(tmp_path: Path) -> None:
    path, emulated = tmp_path / "a.ledger.jsonl", EmulatorSettings(run_s=1e6, gone_rate=1, gone_after_s=20)
    ended = await submitted(path, emulated, max_active=2)
    assert ended.progress.submitted == 6
    assert ended.stop is None
    assert [run.status for run in read_state(path).runs.values()].count("gone") >= 4


@pytest.mark.parametrize("refused", [{"get": 403}, {"get": 404}])
async def test_calls_that_are_refused_are_replaced_by_others(tmp_path: Path, refused: dict[str, int]) -> None:
    emulated = EmulatorSettings.model_validate({"startup_s": 1, "run_s": 20, "refused_calls": refused})
    ended = await submitted(tmp_path / "a.ledger.jsonl", emulated, max_active=2)
    assert ended.progress.submitted == 6
    assert len([note for note in ended.notes if note.place.startswith("GET /runs")]) <= 1


async def test_following_all_runs_bounds_nothing_and_reports_each_change(tmp_path: Path) -> None:
    path, changes = tmp_path / "a.ledger.jsonl", list[Change]()
    emulated = EmulatorSettings(startup_s=0.6, run_s=0.8)
    ended = await submitted(path, emulated, runs=60, rate=20, on_change=changes.append)
    assert ended.progress.active is not None
    assert 0 < ended.progress.active < 60
    assert {change.status for change in changes} >= {"RUNNING", "COMPLETED"}
    completed = [run for run in read_state(path).runs.values() if run.status == "COMPLETED"]
    assert len(completed) == 60 - ended.progress.active


async def test_a_callback_that_raises_is_reported_once_and_detached(tmp_path: Path) -> None:
    path, calls = tmp_path / "a.ledger.jsonl", list[Change]()

    def fail(change: Change) -> None:
        calls.append(change)
        raise ZeroDivisionError("by zero")

    emulated = EmulatorSettings(startup_s=0.6, run_s=0.8)
    ended = await submitted(path, emulated, runs=60, rate=20, on_change=fail)
    assert (ended.stop, ended.progress.submitted, len(calls)) == (None, 60, 1)
    fact, fix = "it raised ZeroDivisionError: by zero", "it was detached; the batch continues without it"
    assert ended.notes == (Problem("on_change", fact, fix),)
    assert [run.status for run in read_state(path).runs.values()].count("COMPLETED") > 1


class Revoked(Wire):
    """After the first run, every response has this status."""

    def __init__(self, status: int) -> None:
        super().__init__(emulator(EmulatorSettings(startup_s=1, run_s=600)))
        self._status = status

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        had_run = bool(self.posts)
        response = await super().handle_async_request(request)
        return httpx.Response(self._status, headers={"Location": "https://elsewhere.example/"}) if had_run else response


async def submitted_while_revoked(folder: Path, status: int, **settings: Any) -> Submission:
    chosen = SubmitSettings(rate=100, concurrency=1, **settings)
    async with client_of(Revoked(status)) as client:
        with FileLedger.open(folder / "a.ledger.jsonl", create=True) as ledger:
            return await submit(plan_of(6), ledger, client, settings=chosen)


@pytest.mark.parametrize(
    ("status", "reason", "within_s"),
    [
        (401, StopReason.UNAUTHORIZED, 30.0),
        (302, StopReason.REDIRECTED, 30.0),
        (403, StopReason.UNAUTHORIZED, 150.0),
        (404, StopReason.WRONG_PATH, 150.0),
    ],
)
async def test_a_batch_that_waits_for_a_run_stops_once_nothing_may_be_read(
    tmp_path: Path, clock: VirtualClock, status: int, reason: StopReason, within_s: float
) -> None:
    began_s = clock.now_s
    ended = await submitted_while_revoked(tmp_path, status, max_active=1, give_up_after_s=3600.0)
    assert ended.stop is not None
    assert (ended.stop.reason, ended.progress.submitted) == (reason, 1)
    assert clock.now_s - began_s < within_s


@pytest.mark.parametrize("status", [403, 500])
async def test_waiting_for_runs_that_cannot_be_read_is_given_up(
    tmp_path: Path, clock: VirtualClock, status: int
) -> None:
    began_s = clock.now_s
    ended = await submitted_while_revoked(tmp_path, status, max_active=1, give_up_after_s=20.0)
    assert ended.stop is not None
    assert ended.stop.reason is StopReason.GAVE_UP
    assert f"{status}" in ended.stop.problem.fact or "neither the list" in ended.stop.problem.fact
    assert clock.now_s - began_s < 100


async def test_runs_that_can_be_read_are_waited_for_without_end(tmp_path: Path) -> None:
    ended = await submitted(tmp_path / "a.ledger.jsonl", EmulatorSettings(run_s=600), max_active=2)
    assert (ended.stop, ended.progress.submitted) == (None, 6)
