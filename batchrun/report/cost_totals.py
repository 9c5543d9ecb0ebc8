"""What a batch cost: sums by state and currency, exact to the last digit, and what nobody knows yet. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from batchrun.ledger.events import CostEvent
from batchrun.report.rows import RunRow

__all__ = ["CostTotals", "cost_totals", "costs_by"]

ZERO = Decimal(0)


@dataclass(slots=True)
class CostTotals:
    """Sums over runs, those of earlier generations included: they were paid for as well."""

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
    """By currency; currencies are never added up."""

    def add(self, cost: CostEvent | None) -> None:
        """Count one created run."""
        self.runs += 1
        if cost is None:
            self.unknown += 1
            return
        setattr(self, cost.state, getattr(self, cost.state) + 1)
        if cost.spatial_units is not None:
            self.units += Decimal(cost.spatial_units)
        if cost.cost is not None:
            currency = cost.currency or "USD"
            self.money[currency] = self.money.get(currency, ZERO) + Decimal(cost.cost)

    @property
    def is_final(self) -> bool:
        """Whether nothing of it can change any more."""
        return self.final == self.runs

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
    for earlier in row.earlier:
        totals.add(earlier.tracked.cost if earlier.tracked is not None else None)
    if row.run_id is not None:
        totals.add(row.cost)
