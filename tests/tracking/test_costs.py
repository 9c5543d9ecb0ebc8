"""What runs cost, from a real emulator: to the last decimal, a hundred ids a call, and what happens where it is refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from batchrun.ledger.events import BatchEvent, CostEvent, SubmittedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.later_events import StatusEvent
from batchrun.ledger.reader import read_state
from batchrun.ledger.shared import SharedLedger
from batchrun.report.cost_totals import cost_totals, costs_by
from batchrun.report.rows import read_rows
from batchrun.tracking.costs import CostReport, refresh_costs
from batchrun.wherobots.amounts import decimal_text
from batchrun.wherobots.billing import Billing
from tests.tracking.conftest import READER, Emulating, Service

pytestmark = pytest.mark.anyio
AT = "2026-11-25T10:00:00.000Z"


async def batch(service: Service, count: int, path: Path, *, with_apps: bool = True) -> list[dict[str, Any]]:
    """Create runs, and a ledger that knows them; what the emulator says of them."""
    await service.create(count)
    held = await service.audit("/_emulator/runs")
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(
            BatchEvent(
                at=AT,
                format=1,
                batch_id="b",
                name="tracked",
                runs=count,
                plan_sha256="0",
                base_url=service.url,
                batchrun="0.2.0",
                manifest="",
            )
        )
        for number, run in enumerate(held):
            key, run_id = f"{number:016x}", run["id"]
            ledger.record(SubmittedEvent(at=AT, key=key, n=1, run_id=run_id, name=run["name"], status="PENDING"))
            if with_apps:
                view = await service.client.get(run_id)
                app = view.kube_app.id if view.kube_app is not None else None
                ledger.record(StatusEvent(at=AT, key=key, run_id=run_id, status="COMPLETED", kube_app_id=app))
        await ledger.flush()
    return held


async def refreshed(service: Service, path: Path) -> CostReport:
    ledger = await anyio.to_thread.run_sync(SharedLedger.open, path)
    return await refresh_costs(ledger, Billing(service.client), READER)


@pytest.fixture
async def settled(emulating: Emulating, tmp_path: Path) -> tuple[Service, Path, list[dict[str, Any]]]:
    """Runs that ended and whose costs are final."""
    service = await emulating(run_s=0.2, run_spread=0.5, billing_delay_s=0)
    path = tmp_path / "costs.ledger.jsonl"
    held = await batch(service, 150, path)
    await anyio.sleep(0.5)
    return service, path, held


async def test_costs_are_the_emulators_to_the_last_decimal_in_few_calls(
    settled: tuple[Service, Path, list[dict[str, Any]]],
) -> None:
    service, path, _ = settled
    report = await refreshed(service, path)
    assert (report.calls, report.changed, report.problems, report.unavailable) == (2, 150, [], {})
    totals = cost_totals(read_rows(path).rows)
    truth = await service.audit("/_emulator/runs")
    assert totals.units == sum(Decimal(run["spatialUnits"]) for run in truth)
    assert totals.money == {"USD": sum(Decimal(run["cost"]) for run in truth)}
    assert (totals.runs, totals.final, totals.is_final) == (150, 150, True)


async def test_what_is_final_is_not_asked_for_again(settled: tuple[Service, Path, list[dict[str, Any]]]) -> None:
    service, path, _ = settled
    await refreshed(service, path)
    size = path.stat().st_size
    again = await refreshed(service, path)
    assert (again.calls, again.changed, path.stat().st_size) == (0, 0, size)


async def test_a_cost_is_written_only_when_it_changes(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=0.1, billing_delay_s=60)
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 3, path)
    await anyio.sleep(0.3)
    assert (await refreshed(service, path)).changed == 3
    assert (await refreshed(service, path)).changed == 0
    totals = cost_totals(read_rows(path).rows)
    assert (totals.settling, totals.final) == (3, 0)


@pytest.mark.parametrize("status", [403, 404])
async def test_where_costs_are_refused_the_metrics_are_asked(status: int, emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=0.1, billing_delay_s=0, refused_calls={"costs": status})
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 4, path)
    await anyio.sleep(0.3)
    report = await refreshed(service, path)
    assert report.changed == 4
    assert [problem.place for problem in report.problems] == ["POST /usage/costs"]
    assert cost_totals(read_rows(path).rows).settling == 4  # whether it is final cannot be known from metrics


async def test_where_nothing_is_offered_that_is_said_and_nothing_is_made_up(
    emulating: Emulating, tmp_path: Path
) -> None:
    service = await emulating(run_s=0.1, refused_calls={"costs": 403, "metrics": 403})
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 4, path)
    report = await refreshed(service, path)
    assert [problem.place for problem in report.problems] == ["POST /usage/costs", "GET /runs/{id}/metrics"]
    assert (report.changed, cost_totals(read_rows(path).rows).unknown) == (0, 4)


async def test_costs_that_are_not_available_are_counted_by_reason(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=0.1, billing_delay_s=0, cost_error_rate=1, cost_error_reason="upstream_error")
    path = tmp_path / "x.ledger.jsonl"
    await batch(service, 4, path)
    assert (await refreshed(service, path)).unavailable == {"upstream_error": 4}


async def test_while_another_process_holds_the_ledger_nothing_is_written(
    settled: tuple[Service, Path, list[dict[str, Any]]],
) -> None:
    service, path, _ = settled
    with FileLedger.open(path):
        report = await refreshed(service, path)
    assert (report.changed, report.unrecorded) == (0, 150)
    assert all(run.tracked is None or run.tracked.cost is None for run in read_state(path).runs.values())


async def test_costs_are_broken_down(settled: tuple[Service, Path, list[dict[str, Any]]]) -> None:
    service, path, _ = settled
    await refreshed(service, path)
    rows = read_rows(path).rows
    groups = costs_by(rows, lambda row: row.name[-1])
    assert sum(one.runs for one in groups.values()) == 150
    assert sum(one.units for one in groups.values()) == cost_totals(rows).units


def cost(units: str | None, state: Any = "final", money: str | None = None) -> CostEvent:
    return CostEvent(at=AT, key="k", run_id="r", state=state, spatial_units=units, cost=money, currency="USD")


def test_decimals_are_added_up_exactly() -> None:
    from batchrun.report.cost_totals import CostTotals  # noqa: PLC0415 - only here

    totals = CostTotals()
    for _ in range(10):
        totals.add(cost("0.1", money="0.000001"))
    totals.add(None)
    assert (str(totals.units), str(totals.money["USD"]), totals.unknown) == ("1.0", "0.000010", 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.10", "1.10"),
        (3, "3"),
        (0.5, "0.5"),
        (True, None),
        ("NaN", None),
        ("1e3", "1e3"),
        ("x", None),
        ("9" * 50, None),
        (None, None),
    ],
)
def test_only_a_decimal_is_an_amount(value: object, text: str | None) -> None:
    assert decimal_text(value) == text
