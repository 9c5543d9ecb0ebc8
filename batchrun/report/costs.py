"""What runs cost, as far as the ledger knows: exact sums by currency, and what may still change."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from batchrun.ledger.events import CostEvent
from batchrun.report.rows import RunRow

__all__ = ["CostTotals", "amount_of", "costs_of", "decimal_of", "total_costs"]

ZERO = Decimal(0)
_EXACT = Context(prec=100)
"""Enough digits for any sum of amounts: Python's default of 28 would round a micro-cent beside a fortune."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTotals:
    """Sums over all runs of some rows, including runs of earlier generations."""

    money: dict[str, Decimal]
    """By currency; without a currency under ''."""
    units: Decimal | None
    """Spatial units; None if none are recorded."""
    states: dict[str, int]
    """Runs by the state of their cost: ``final``, ``settling``, ``live``."""
    unknown: int
    """Created runs whose cost is not recorded."""

    @property
    def currency(self) -> str | None:
        """The currency of all costs; None if there is none, or more than one."""
        return next(iter(self.money)) if len(self.money) == 1 else None

    @property
    def is_known(self) -> bool:
        return bool(self.money) or self.units is not None


def total_costs(rows: Iterable[RunRow]) -> CostTotals:
    """The totals of some rows; decimals are added exactly."""
    money: dict[str, Decimal] = {}
    units: Decimal | None = None
    states, unknown = Counter[str](), 0
    for row in rows:
        created = (row.run_id is not None) + len(row.earlier)
        costs = list(costs_of(row))
        unknown += created - len(costs)
        for cost in costs:
            states[cost.state] += 1
            if (amount := decimal_of(cost.cost)) is not None:
                currency = cost.currency or ""
                money[currency] = _EXACT.add(money.get(currency, ZERO), amount)
            if (used := decimal_of(cost.spatial_units)) is not None:
                units = _EXACT.add(units or ZERO, used)
    return CostTotals(money=money, units=units, states=dict(states), unknown=unknown)


def costs_of(row: RunRow) -> Iterator[CostEvent]:
    """The recorded costs of a planned run: of its latest run, and of those of earlier generations."""
    if row.cost is not None:
        yield row.cost
    for earlier in row.earlier:
        if earlier.tracked is not None and earlier.tracked.cost is not None:
            yield earlier.tracked.cost


def amount_of(row: RunRow, currency: str | None) -> float | None:
    """What a planned run cost in a currency, or in spatial units if that is None; rounded, for pictures."""
    amounts = [
        decimal_of(cost.spatial_units if currency is None else cost.cost)
        for cost in costs_of(row)
        if currency is None or (cost.currency or "") == currency
    ]
    known = [amount for amount in amounts if amount is not None]
    return float(sum(known, ZERO)) if known else None


def decimal_of(text: str | None) -> Decimal | None:
    """The number that the service wrote as text; None if it is none, or not finite."""
    try:
        number = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
