"""The one call for the common case, and a batch in Python: what a script or a notebook cell would do."""

import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

import batchrun
import batchrun.running  # now: an import reads files, and one test here first calls it inside an event loop
from batchrun import Batch, BatchStoppedError, Change, LedgerError, Progress, UsageError
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.regional_sweep import regional_sweep

KEY = "k-running-12345"
SWEEP = regional_sweep('["us", "<eu>"]', last=1005)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.toml"
    path.write_text(SWEEP, "utf-8")
    return path


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    settings = {"api_key": KEY, "startup_s": 0.1, "run_s": 0.3, "fail_where": [{"where": "--region us", "share": 1}]}
    with EmulatorServer(EmulatorSettings.model_validate(settings)) as running:
        yield running


def options(server: EmulatorServer, **more: Any) -> dict[str, Any]:
    return {"base_url": server.url, "environ": {"WHEROBOTS_API_KEY": KEY}, **more}


def test_one_call_submits_a_sweep_and_reports_progress(sweep: Path, server: EmulatorServer) -> None:
    seen: list[Progress] = []
    summary = batchrun.run(sweep, on_progress=seen.append, **options(server))
    assert summary.is_complete
    assert seen[-1].submitted == summary.planned == 10
    assert batchrun.run(str(sweep), **options(server)).attempts == 10, "nothing is sent twice"


@pytest.mark.slow
def test_runs_can_be_followed_to_their_end(sweep: Path, server: EmulatorServer) -> None:
    changes: list[Change] = []
    summary = batchrun.run(sweep, follow=True, on_change=changes.append, **options(server))
    assert summary.run_status == {"FAILED": 5, "COMPLETED": 5}
    assert sorted(change.status for change in changes if change.is_final) == ["COMPLETED"] * 5 + ["FAILED"] * 5
    assert "&lt;eu&gt;" not in summary._repr_html_()
    assert "<td>FAILED</td>" in summary._repr_html_()


@pytest.mark.slow
def test_failed_runs_are_run_again_in_the_same_call(sweep: Path, server: EmulatorServer) -> None:
    with pytest.raises(UsageError, match=r"rerun_failed: .*; add follow=True"):
        batchrun.run(sweep, rerun_failed=1, **options(server))
    batchrun.run(sweep, follow=True, rerun_failed=1, **options(server))
    runs = {run.name: (run.generation, run.status) for run in Batch.open(sweep.with_name("jobs.ledger.jsonl")).runs()}
    assert {value for name, value in runs.items() if "us" in name} == {(2, "FAILED")}
    assert {value for name, value in runs.items() if "eu" in name} == {(1, "COMPLETED")}


async def test_it_works_in_a_cell_of_a_notebook_where_a_loop_is_running(sweep: Path, server: EmulatorServer) -> None:
    threads: set[int] = set()
    summary = batchrun.run(sweep, on_progress=lambda _: threads.add(threading.get_ident()), **options(server))
    assert summary.is_complete
    assert threading.get_ident() not in threads
    assert (await batchrun.arun(sweep, **options(server))).is_complete


def test_an_emulator_in_this_process_needs_no_key_and_keeps_its_runs(sweep: Path) -> None:
    assert batchrun.run(sweep, emulator=True, environ={}).is_complete
    assert sweep.with_name("jobs.emulator.ledger.jsonl").exists()
    with pytest.raises(UsageError, match="cannot be combined with base_url"):
        batchrun.run(sweep, emulator=True, base_url="http://127.0.0.1:9")


def test_a_batch_that_stops_early_is_an_error_that_says_why(sweep: Path, server: EmulatorServer) -> None:
    with pytest.raises(BatchStoppedError) as stopped:
        batchrun.run(sweep, base_url=server.url, environ={"WHEROBOTS_API_KEY": "k-another-12345"})
    assert stopped.value.reason == "unauthorized"
    assert batchrun.run(sweep, **options(server)).is_complete, "it can be resumed"


def test_every_guard_of_the_command_holds(sweep: Path, server: EmulatorServer, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no API key is set"):
        batchrun.run(sweep, base_url=server.url, environ={})
    batchrun.run(sweep, **options(server))
    sweep.write_text(SWEEP.replace("to = 1005", "to = 1006"), "utf-8")
    with pytest.raises(LedgerError):
        batchrun.run(sweep, **options(server))
    assert batchrun.run(sweep, extend=True, **options(server)).planned == 12
    with pytest.raises(LedgerError, match="exist"):
        batchrun.run(sweep, ledger=tmp_path / "another.ledger.jsonl", **options(server))


@pytest.mark.slow
async def test_changes_are_a_stream(sweep: Path, server: EmulatorServer) -> None:
    await batchrun.arun(sweep, **options(server))
    ledger = sweep.with_name("jobs.ledger.jsonl")
    api = batchrun.ApiSettings(api_key=KEY, base_url=server.url)
    async with batchrun.RunsClient(api, batchrun.open_transport(api, connections=2)) as client:
        changes = [change async for change in batchrun.follow(ledger, client)]
        async with aclosing(batchrun.follow(sweep, client)) as again:
            assert [change async for change in again] == [], "everything is recorded"
    assert {change.run_id for change in changes} == {run.run_id for run in Batch.open(ledger).runs()}
    assert {change.status for change in changes if change.is_final} == {"COMPLETED", "FAILED"}
    assert sum(Batch.open(ledger).summary().run_status.values()) == 10


def test_a_batch_gives_its_runs_as_rows_for_a_data_frame(sweep: Path, server: EmulatorServer) -> None:
    batchrun.run(sweep, **options(server))
    batch = Batch.open(sweep)
    assert batch == Batch.open(sweep.with_name("jobs.ledger.jsonl"))
    assert repr(batch) == f"<Batch jobs in {batch.path}>"
    assert len(batch.runs()) == len(batch.to_rows()) == batch.summary().planned == 10
    row = batch.to_rows()[0]
    assert (row["name"], row["point.region"], row["point.n"], row["outcome"]) == (
        "job-us-1001",
        "us",
        1001,
        "submitted",
    )
    assert "<eu>" not in batch._repr_html_()
    with pytest.raises(LedgerError, match=r"no such file; did you mean .*jobs\.toml"):
        Batch.open(sweep.with_name("job.toml"))
