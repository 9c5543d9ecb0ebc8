"""What a batch cost: exact sums by state and currency, and how many costs are not known yet. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from batchrun.ledger.events import CostEvent
from batchrun.report.rows import RunRow
from batchrun.wherobots.amounts import EXACT, decimal_of

__all__ = ["CostTotals", "amount_of", "cost_totals", "costs_by", "costs_of"]

ZERO = Decimal(0)


@dataclass(slots=True)
class CostTotals:
    """Cost totals over runs, including earlier generations, which were billed as well."""

    runs: int = 0
    """Created runs, of every generation."""
    final: int = 0
    settling: int = 0
    live: int = 0
    unknown: int = 0
    """Runs that were created and whose cost is not known."""
    units: Decimal = ZERO
    """Spatial units, of the runs whose units are known."""
    money: dict[str, Decimal] = field(default_factory=dict)
    """Amounts by currency, '' if the service names none. Currencies are never added together."""

    def add(self, cost: CostEvent | None) -> None:
        """Count one created run; an amount that is not a number is not added."""
        self.runs += 1
        if cost is None:
            self.unknown += 1
            return
        setattr(self, cost.state, getattr(self, cost.state) + 1)
        if (used := decimal_of(cost.spatial_units)) is not None:
            # Not `+`: Python's own context rounds to 28 digits.
            self.units = EXACT.add(self.units, used)
        if (amount := decimal_of(cost.cost)) is not None:
            currency = cost.currency or ""
            self.money[currency] = EXACT.add(self.money.get(currency, ZERO), amount)

    @property
    def is_final(self) -> bool:
        """Whether all amounts are final."""
        return self.final == self.runs

    @property
    def is_known(self) -> bool:
        """Whether there is any amount at all."""
        return bool(self.money) or self.units > 0

    @property
    def currency(self) -> str | None:
        """The currency of all amounts; None if there is no money among them, or more than one currency."""
        return next(iter(self.money)) if len(self.money) == 1 else None

    def json(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "final": self.final,
            "settling": self.settling,
            "live": self.live,
            "unknown": self.unknown,
            "spatial_units": str(self.units),
            "money": {currency: str(amount) for currency, amount in sorted(self.money.items())},
        }


def cost_totals(rows: Iterable[RunRow]) -> CostTotals:
    """The sum over rows."""
    totals = CostTotals()
    for row in rows:
        _add(totals, row)
    return totals


def costs_by(rows: Iterable[RunRow], group: Callable[[RunRow], str]) -> dict[str, CostTotals]:
    """The sums by whatever ``group`` says of a row, in the order in which groups appear."""
    found: defaultdict[str, CostTotals] = defaultdict(CostTotals)
    for row in rows:
        if row.run_id is not None or row.earlier:
            _add(found[group(row)], row)
    return dict(found)


def _add(totals: CostTotals, row: RunRow) -> None:
    for cost in costs_of(row):
        totals.add(cost)


def costs_of(row: RunRow) -> Iterator[CostEvent | None]:
    """The costs of the created runs of a planned run, oldest first; None where nothing is recorded."""
    for earlier in row.earlier:
        yield earlier.tracked.cost if earlier.tracked is not None else None
    if row.run_id is not None:
        yield row.cost


def amount_of(row: RunRow, currency: str | None) -> Decimal | None:
    """What a planned run cost in a currency, or in spatial units if that is None; None if nothing is known."""
    amounts = [
        decimal_of(cost.spatial_units if currency is None else cost.cost)
        for cost in costs_of(row)
        if cost is not None and (currency is None or (cost.currency or "") == currency)
    ]
    known = [amount for amount in amounts if amount is not None]
    total = ZERO
    for amount in known:
        total = EXACT.add(total, amount)
    return total if known else None
