"""Steering a batch from Python against a real emulator: what a script does after its runs were created."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

import batchrun
import batchrun.running  # now, as the next four: an import reads files, and here it would happen inside an event loop
import batchrun.steering.cancel
import batchrun.steering.fetch_costs
import batchrun.steering.read_logs
import batchrun.steering.rerun
from batchrun import (
    ApiError,
    ApiSettings,
    BatchStoppedError,
    LedgerError,
    Outcome,
    Problem,
    RunsClient,
    UsageError,
    open_transport,
)
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import SweepChangedError
from batchrun.ledger.reader import read_state
from batchrun.report.rows import read_rows
from batchrun.wherobots.views import RunView
from tests.regional_sweep import regional_sweep

T = TypeVar("T")
KEY = "k-steering-12345"
SWEEP = regional_sweep('["us", "eu"]', last=1003) + 'settle_after = "0.5s"\n'


class Steered:
    """A batch of six runs at an emulator; each call has an event loop of its own, as in a script."""

    def __init__(self, sweep: Path, server: EmulatorServer) -> None:
        self.sweep = str(sweep)
        self.ledger = sweep.with_name("jobs.ledger.jsonl")
        self.server = server

    def run(self, function: Callable[..., Awaitable[T]], *args: Any, key: str = KEY, **options: Any) -> T:
        """Call a function with the sweep and a client."""

        async def call() -> T:
            api = ApiSettings(api_key=key, base_url=self.server.url)
            async with RunsClient(api, open_transport(api, connections=8)) as client:
                return await function(self.sweep, client, *args, **options)

        return anyio.run(call)

    def lines(self, run: str | None, **options: Any) -> list[str]:
        async def collect(sweep: str, client: RunsClient) -> list[str]:
            return [line.raw async for line in batchrun.read_logs(sweep, client, run or "", **options)]

        return self.run(collect)

    def view(self, run_id: str | None) -> RunView:
        async def get(_: str, client: RunsClient) -> RunView:
            return await client.get(run_id or "")

        return self.run(get)


@contextmanager
def submitted(folder: Path, text: str = SWEEP, *, follow: bool = False, **settings: Any) -> Iterator[Steered]:
    sweep = folder / "jobs.toml"
    sweep.write_text(text, "utf-8")
    loaded = EmulatorSettings.model_validate({"api_key": KEY, "startup_s": 0, **settings})
    with EmulatorServer(loaded) as server:
        batchrun.run(sweep, base_url=server.url, environ={"WHEROBOTS_API_KEY": KEY}, follow=follow)
        yield Steered(sweep, server)


def test_active_runs_are_cancelled_by_where_and_by_id(tmp_path: Path) -> None:
    with submitted(tmp_path, run_s=600) as batch:
        done = batch.run(batchrun.cancel, where=["region=us"])
        assert (len(done.requested), done.problems, done.dropped) == (3, [], [])
        (run_id,) = [row.run_id for row in read_rows(batch.ledger).rows if row.name == "job-eu-1001"]
        assert run_id is not None
        one = batch.run(batchrun.cancel, runs=[run_id])
        assert [target.name for target in one.requested] == ["job-eu-1001"]
        statuses = {batch.view(target.run_id).status.value for target in done.requested}
        assert statuses <= {"CANCELLED", "PENDING", "RUNNING"}
        with pytest.raises(UsageError, match="no run with this name or id"):
            batch.run(batchrun.cancel, runs=["job-of-another-batch"])


def test_runs_not_sent_yet_are_dropped(tmp_path: Path) -> None:
    with submitted(tmp_path, run_s=600) as batch:
        manifest = Path(batch.sweep)
        manifest.write_text(SWEEP.replace("to = 1003", "to = 1005") + "stop_at_units = 36\n", "utf-8")
        options: dict[str, Any] = {"base_url": batch.server.url, "environ": {"WHEROBOTS_API_KEY": KEY}}
        with pytest.raises(BatchStoppedError, match=r"submit\.stop_at_units"):
            batchrun.run(manifest, extend=True, **options)  # six of ten are five units each
        done = batch.run(batchrun.cancel, pending=True, where=["n=1005"])
        assert sorted(done.dropped) == ["job-eu-1005", "job-us-1005"]
        assert read_state(batch.ledger).count(Outcome.DROPPED) == 2


def test_a_rerun_of_a_changed_sweep_is_not_recorded(tmp_path: Path) -> None:
    data = tmp_path / "n.csv"
    data.write_text("id\n1\n2\n", "utf-8")
    text = SWEEP.replace("{ from = 1001, to = 1003 }", '{ file = "n.csv" }').replace("{{n}}", "{{n.id}}")
    with submitted(tmp_path, text, follow=True, run_s=0.1, failure_rate=1.0) as batch:
        before = batch.ledger.read_text("utf-8")
        data.write_text("id\n1\n3\n", "utf-8")
        with pytest.raises(SweepChangedError, match=r"changed: n\.csv"):
            batch.run(batchrun.rerun)
        assert batch.ledger.read_text("utf-8") == before


def test_failed_runs_are_run_again_with_other_settings(tmp_path: Path) -> None:
    failing = {"where": "--region us", "share": 1, "message": "OutOfMemoryError: heap"}
    with submitted(tmp_path, follow=True, run_s=0.1, fail_where=[failing]) as batch:
        assert batch.run(batchrun.rerun, reason="no such words") is None
        with pytest.raises(UsageError, match="unknown setting"):
            batch.run(batchrun.rerun, changes=["run.rutnime=large"])
        done = batch.run(batchrun.rerun, reason="outofmemory", limit=2, changes=["run.runtime=large"])
        assert done is not None
        assert (done.stop, done.progress.submitted) == (None, 6)
        rows = {row.name: row for row in read_rows(batch.ledger).rows}
        again = [row for row in rows.values() if row.generation == 2]
        assert len(again) == 2
        view = batch.view(again[0].run_id)
        assert (view.payload.runtime.value, view.name) == ("large", f"{again[0].name}-r2")


def test_a_rerun_that_a_limit_of_units_could_never_let_through_is_not_recorded(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"run_s": 0.1, "failure_rate": 1, "refused_calls": {"config_hint": 403}}
    with submitted(tmp_path, follow=True, **settings) as batch:
        limited = batchrun.SubmitSettings(stop_at_units=100)
        size = batch.ledger.stat().st_size
        with pytest.raises(UsageError, match="the spatial units per hour of large are not known"):
            batch.run(batchrun.rerun, changes=["run.runtime=large"], settings=limited)
        assert batch.ledger.stat().st_size == size


def test_a_log_is_read_from_its_start_its_end_and_as_it_grows(tmp_path: Path) -> None:
    with submitted(tmp_path, run_s=0.5, log_lines=40) as batch:
        followed = batch.lines("job-us-1001", follow=True, quiet_s=0.3)
        whole = batch.lines("job-us-1001")
        assert followed == whole
        assert len(whole) > 40
        assert batch.lines("job-us-1001", tail=3) == whole[-3:]
        with pytest.raises(UsageError, match="cannot be combined"):
            batch.lines("job-us-1001", tail=3, follow=True)
        with pytest.raises(UsageError, match="no run with this name or id in this batch; did you mean 'job-us-1001'"):
            batch.lines("job-us-101")


def test_a_log_of_an_earlier_generation_is_read_by_its_id(tmp_path: Path) -> None:
    with submitted(tmp_path, follow=True, run_s=0.1, failure_rate=1) as batch:
        batch.run(batchrun.rerun, runs=["job-us-1001"])
        (row,) = [row for row in read_rows(batch.ledger).rows if row.generation == 2]
        earlier = row.earlier[0].run_id
        lines = batch.lines(earlier)
        assert lines[-1] == "Run failed"
        with pytest.raises(UsageError, match="an earlier generation of job-us-1001, which was rerun since"):
            batch.run(batchrun.cancel, runs=[earlier])


def test_costs_are_asked_for_recorded_and_summed(tmp_path: Path) -> None:
    with submitted(tmp_path, follow=True, run_s=0.1, billing_delay_s=0) as batch:
        totals = batch.run(batchrun.fetch_costs)
        assert (totals.runs, totals.final, totals.is_final) == (6, 6, True)
        assert isinstance(totals.units, Decimal)
        again = batch.run(batchrun.fetch_costs)
        assert again == totals


def test_what_the_service_refuses_is_one_sentence(tmp_path: Path) -> None:
    refused = {"cancel": 403, "logs": 404, "costs": 403, "metrics": 403}
    with submitted(tmp_path, run_s=600, refused_calls=refused) as batch:
        notes: list[Problem] = []
        totals = batch.run(batchrun.fetch_costs, on_note=notes.append)
        assert (totals.unknown, len(notes)) == (6, 1)
        assert notes[0].place == "POST /usage/costs"
        with pytest.raises(ApiError, match=r"GET /runs/\{id\}/logs: HTTP 404"):
            batch.lines("job-us-1001")
        done = batch.run(batchrun.cancel)
        assert len(done.problems) + len(done.not_asked) == 6
        assert {problem.fact for problem in done.problems} == {
            "not cancelled: POST /runs/{id}/cancel: HTTP 403 (INSUFFICIENT_PERMISSIONS_ERROR): The key may not use this call"
        }


def test_another_organizations_key_steers_nothing(tmp_path: Path) -> None:
    with submitted(tmp_path, run_s=600, organizations={"other": "acme"}) as batch:
        for function in (batchrun.cancel, batchrun.fetch_costs):
            with pytest.raises(LedgerError, match=r"organization|knows none of"):
                batch.run(function, key="other")


def test_what_runs_cost_so_far_is_known_before_anybody_followed_them(tmp_path: Path) -> None:
    with submitted(tmp_path, run_s=600, refused_calls={"metrics": 403}) as batch:
        notes: list[Problem] = []
        totals = batch.run(batchrun.fetch_costs, on_note=notes.append)
        assert (totals.live, totals.unknown, notes) == (6, 0, [])


def test_runs_that_wait_are_not_asked_for_one_by_one(tmp_path: Path) -> None:
    with submitted(tmp_path, startup_s=600, refused_calls={"metrics": 403}) as batch:
        notes: list[Problem] = []
        totals = batch.run(batchrun.fetch_costs, on_note=notes.append)
        assert (totals.unknown + totals.live, notes) == (6, [])
