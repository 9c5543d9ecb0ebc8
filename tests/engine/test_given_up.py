"""A submission that is given up half-way: cancelled by its caller, or because its plan file changed."""

import json
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import pytest
from typing_extensions import override

from batchrun.cli.exits import ExitStatus
from batchrun.cli.views.result import exit_status
from batchrun.engine.progress import Progress
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.submit import submit
from batchrun.errors import Problem
from batchrun.ledger.check import check
from batchrun.ledger.events import SessionEvent, SubmittedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events
from batchrun.sweep.plan import read_plan, write_plan
from batchrun.wherobots.client import RunsClient
from tests.engine.parts import client_of, emulator
from tests.engine.service import plan_of

FAST = SubmitSettings(rate=500.0, concurrency=4)


class After:
    """An observer that does something once a number of runs is submitted."""

    def __init__(self, submitted: int, act: Callable[[], object]) -> None:
        self._submitted, self._act = submitted, act
        self._is_done = False

    def progress(self, progress: Progress) -> None:
        if progress.submitted >= self._submitted and not self._is_done:
            self._is_done = True
            self._act()

    def note(self, note: Problem) -> None: ...


async def created(client: RunsClient) -> int:
    return len([run async for run in client.list_runs()])


async def test_a_cancelled_submission_keeps_what_it_learned(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    async with client_of(emulator()) as client:
        with FileLedger.open(path, create=True) as ledger, anyio.CancelScope() as scope:
            await submit(plan_of(900), ledger, client, settings=FAST, observer=After(20, scope.cancel))
        assert scope.cancelled_caught
        events = list(read_events(path))
        assert 20 <= sum(isinstance(event, SubmittedEvent) for event in events) == await created(client)
    last = events[-1]
    assert isinstance(last, SessionEvent)
    assert (last.action, last.reason) == ("stop", "cancelled")
    assert check(path).findings == []


async def test_a_plan_file_that_changes_under_a_submission_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchrun.sweep.tally.KEPT_RUNS", 2)
    monkeypatch.setattr("batchrun.sweep.plan_file.BLOCK_BYTES", 1000)
    monkeypatch.setattr("batchrun.engine.sending.backlog.READ_AHEAD", 20)
    path, plan_file = tmp_path / "x.ledger.jsonl", tmp_path / "plan.jsonl"
    await anyio.to_thread.run_sync(write_plan, plan_of(900), plan_file)
    plan = await anyio.to_thread.run_sync(read_plan, plan_file)

    some_are_submitted = anyio.Event()

    async def rewrite() -> None:
        await some_are_submitted.wait()
        with plan_file.open("ab") as file:
            await anyio.to_thread.run_sync(file.write, b"\n")

    async with client_of(emulator()) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(rewrite)
        with FileLedger.open(path, create=True) as ledger:
            observer = After(5, some_are_submitted.set)
            submission = await submit(plan, ledger, client, settings=FAST, observer=observer)
        events = list(read_events(path))
        assert sum(isinstance(event, SubmittedEvent) for event in events) == await created(client) < 900
    assert submission.stop is not None
    assert submission.stop.reason is StopReason.PLAN_CHANGED
    assert submission.stop.problem.text() == (
        f"{plan_file}: the plan file changed while it was in use; restore it, then resume"
    )
    assert exit_status(submission) is ExitStatus.STOPPED
    last = events[-1]
    assert isinstance(last, SessionEvent)
    assert (last.action, last.reason) == ("stop", "plan_changed")


async def test_a_failure_of_the_program_is_recorded_as_a_stop_and_raised(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"

    class Broken(httpx.AsyncBaseTransport):
        """Its third POST fails in a way that nobody foresaw."""

        def __init__(self) -> None:
            self.posts = 0
            self.service = emulator()

        @override
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.posts += request.method == "POST"
            if self.posts == 3:
                raise BaseExceptionGroup("odd", [KeyboardInterrupt()])
            return await self.service.handle_async_request(request)

    async with client_of(Broken()) as client:
        with FileLedger.open(path, create=True) as ledger, pytest.raises(BaseExceptionGroup):
            await submit(plan_of(9), ledger, client, settings=SubmitSettings(rate=500.0, concurrency=1))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["run_id"] for line in lines if line["event"] == "submitted"]
    assert (lines[-1]["action"], lines[-1]["reason"]) == ("stop", "cancelled")
