"""Costs: exact sums, by currency, with earlier generations, and honest about what is not known."""

from decimal import Decimal
from typing import Any

import pytest

from batchrun.ledger.events import CostEvent
from batchrun.ledger.fold import EarlierRun, Outcome, Tracked
from batchrun.report.cost_totals import amount_of, cost_totals
from batchrun.wherobots.amounts import decimal_of
from tests.report.rows import row


def cost(amount: str | None = "0.10", currency: str | None = "USD", **fields: Any) -> CostEvent:
    known: dict[str, Any] = {"state": "final", "spatial_units": "0.5"} | fields
    return CostEvent(at="2026-11-24T08:00:00.000Z", key="k", run_id="r", cost=amount, currency=currency, **known)


def test_decimals_are_added_exactly() -> None:
    totals = cost_totals([row("a", cost=cost("0.10")), row("b", cost=cost("0.20")), row("c", cost=cost("1e-30"))])
    assert totals.money == {"USD": Decimal("0.300000000000000000000000000001")}
    assert totals.units == Decimal("1.5")
    assert (totals.currency, totals.final, totals.unknown, totals.is_final) == ("USD", 3, 0, True)


def test_two_currencies_are_two_sums() -> None:
    rows = [row("a", cost=cost("1", "USD")), row("b", cost=cost("2", "EUR"))]
    totals = cost_totals(rows)
    assert totals.money == {"USD": Decimal(1), "EUR": Decimal(2)}
    assert totals.currency is None
    assert [amount_of(one, "USD") for one in rows] == [Decimal(1), None]
    assert [amount_of(one, None) for one in rows] == [Decimal("0.5"), Decimal("0.5")]


def test_runs_that_were_run_again_cost_as_often() -> None:
    tracked = Tracked()
    tracked.cost = cost("2.00")
    again = row(
        "a", cost=cost("3.00"), earlier=(EarlierRun(1, "r0", "FAILED", tracked), EarlierRun(2, "r1", None, None))
    )
    totals = cost_totals([again])
    assert totals.money == {"USD": Decimal(5)}
    assert totals.unknown == 1
    assert amount_of(again, "USD") == Decimal(5)


def test_what_is_not_known_is_counted_apart() -> None:
    rows = [row("a", cost=cost(state="live")), row("b"), row("c", outcome=Outcome.REJECTED, run_id=None)]
    totals = cost_totals(rows)
    assert (totals.live, totals.unknown, totals.runs) == (1, 1, 2)
    assert not cost_totals(rows[1:]).is_known


@pytest.mark.parametrize("text", ["", "lots", "NaN", "Infinity", None])
def test_what_is_no_amount_is_not_added(text: str | None) -> None:
    assert decimal_of(text) is None
    assert cost_totals([row("a", cost=cost(text))]).money == {}
