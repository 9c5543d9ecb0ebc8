"""``stop_at_units`` against an emulator: never passed, resumable, and refused where nobody knows what a run uses."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.submission import Submission
from batchrun.engine.submit import submit
from batchrun.errors import UsageError
from batchrun.ledger.events import CostEvent, SessionEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events
from batchrun.report.cost_totals import cost_totals
from batchrun.report.rows import read_rows
from batchrun.sweep.plan import Plan
from tests.engine.parts import Notes, Wire, client_of, emulator
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock

SHORT = '[[override]]\nwhen = { n = { from = 1 } }\ntimeout = "12m"\n'
"""One unit at most for each run: five an hour, for twelve minutes."""


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


async def submitted(
    folder: Path, wire: Wire, units: float, *, plan: Plan | None = None, notes: Notes | None = None, **settings: Any
) -> Submission:
    chosen = SubmitSettings(settle_after_s=1.0, stop_at_units=units, **settings)
    async with client_of(wire) as client:
        with FileLedger.open(folder / "a.ledger.jsonl", create=True) as ledger:
            return await submit(
                plan or plan_of(20, extra=SHORT), ledger, client, settings=chosen, observer=notes or Notes()
            )


async def test_a_batch_stops_at_the_last_run_that_fits_and_says_why(tmp_path: Path) -> None:
    wire = emulator(EmulatorSettings(run_s=1e6))
    ended = await submitted(tmp_path, wire, 7.5)
    assert ended.stop is not None
    assert ended.stop.reason is StopReason.UNITS
    assert ended.stop.problem.text() == (
        "submit.stop_at_units: up to 7 for 7 runs that have not ended or been billed; the next run may use 1; "
        "stop_at_units is 7.5; resume when runs have ended and are billed, or with a higher --stop-at-units"
    )
    assert (ended.progress.submitted, ended.progress.pending) == (7, 13)
    last = list(read_events(tmp_path / "a.ledger.jsonl"))[-1]
    assert isinstance(last, SessionEvent)
    assert (last.action, last.reason) == ("stop", "units")
    higher = await submitted(tmp_path, wire, 20)
    assert (higher.stop, higher.progress.submitted) == (None, 20)


async def test_what_ended_counts_as_it_was_billed(tmp_path: Path) -> None:
    wire = emulator(EmulatorSettings(run_s=72.0, startup_s=0.0, billing_delay_s=0.0))  # a tenth of its maximum
    plan = plan_of(8, extra=SHORT)
    while (ended := await submitted(tmp_path, wire, 3.0, plan=plan)).stop is not None:
        assert ended.stop.reason is StopReason.UNITS
        await anyio.sleep(90)
    assert ended.progress.submitted == 8
    events = list(read_events(tmp_path / "a.ledger.jsonl"))
    assert any(isinstance(event, CostEvent) for event in events)
    assert cost_totals(read_rows(tmp_path / "a.ledger.jsonl").rows).units <= Decimal(3)


@pytest.mark.parametrize("fault", ["reset_after_commit", "error_after_commit", "conflict"])
async def test_refusals_and_lost_answers_do_not_pass_the_limit(tmp_path: Path, fault: str) -> None:
    wire = emulator(EmulatorSettings.model_validate({"run_s": 1e6, "faults": {fault: 0.3}}))
    for _ in range(3):
        ended = await submitted(tmp_path, wire, 9.0, concurrency=8)
        if ended.progress.unknown == 0:
            break
    assert ended.stop is not None
    assert ended.progress.submitted == 9


async def test_a_runtime_that_nobody_knows_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    plan = plan_of(3, extra='[[override]]\nwhen = { n = 3 }\nruntime = "large"\n')
    wire = emulator(EmulatorSettings(refused_calls={"config_hint": 403}))
    with pytest.raises(UsageError, match="the spatial units per hour of large are not known") as refused:
        await submitted(tmp_path, wire, 500, plan=plan)
    assert refused.value.problems[0].place == "submit.stop_at_units"
    assert "HTTP 403" in str(refused.value)
    assert wire.posts == []
    assert not (tmp_path / "a.ledger.jsonl").exists()
    told = await submitted(tmp_path, emulator(EmulatorSettings()), 500, plan=plan)
    assert (told.stop, told.progress.submitted) == (None, 3)


async def test_where_costs_are_refused_metrics_say_what_was_billed_or_nothing_is_freed(tmp_path: Path) -> None:
    wire = emulator(EmulatorSettings(run_s=36.0, startup_s=0.0, refused_calls={"costs": 403, "metrics": 404}))
    notes = Notes()
    first = await submitted(tmp_path, wire, 4.0, notes=notes)
    await anyio.sleep(60)
    second = await submitted(tmp_path, wire, 4.0, notes=notes)
    assert [first.progress.submitted, second.progress.submitted] == [4, 4]
    assert any("POST /usage/costs" in note.place for note in notes.seen)
    by_metrics = EmulatorSettings(run_s=36.0, startup_s=0.0, billing_delay_s=0.0, refused_calls={"costs": 403})
    other = tmp_path / "other"
    other.mkdir()
    wire = emulator(by_metrics)
    few = plan_of(6, extra=SHORT)
    await submitted(other, wire, 4.0, plan=few)
    await anyio.sleep(60)
    assert (await submitted(other, wire, 4.0, plan=few)).progress.submitted > 4
