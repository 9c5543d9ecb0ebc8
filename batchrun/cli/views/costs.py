"""The output of ``batchrun costs``."""

from collections.abc import Mapping

from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.report.axis_values import natural_key
from batchrun.report.cost_totals import CostTotals

__all__ = ["cost_sentence", "show_costs"]


def show_costs(totals: CostTotals, groups: Mapping[str, CostTotals], axes: tuple[str, ...], output: Output) -> None:
    """A row for each group, then the sum; amounts as the service gave them, to the last digit."""
    if groups:
        head = (", ".join(axes), "runs", "spatial units", "cost", "not final")
        rows = tuple(_row(label, groups[label]) for label in sorted(groups, key=natural_key))
        output.table(Table(head=head, rows=(*rows, _row("total", totals)), right=frozenset(head[1:])))
    output.say(cost_sentence(totals))


def cost_sentence(totals: CostTotals) -> str:
    """The sum in words, with what may still change and what nobody knows."""
    if not totals.runs:
        return "no run was created, so there are no costs"
    if totals.unknown == totals.runs:
        return f"the costs of {numbered(totals.runs, 'run')} are not known; fetch them with --refresh"
    # Without the "f", a Decimal such as 1E+2 is printed with its exponent.
    parts = [f"{totals.units:f} spatial units", *_amounts(totals)]
    open_ = [f"{count:,} {state}" for count, state in ((totals.settling, "settling"), (totals.live, "live")) if count]
    if totals.unknown:
        open_.append(f"{totals.unknown:,} unknown")
    state = f"{totals.final:,} of {numbered(totals.runs, 'run')} final" + (f", {', '.join(open_)}" if open_ else "")
    return f"{', '.join(parts)} ({state})"


def _row(label: str, totals: CostTotals) -> tuple[str, ...]:
    left = totals.runs - totals.final
    return label, f"{totals.runs:,}", f"{totals.units:f}", "; ".join(_amounts(totals)), f"{left:,}" if left else ""


def _amounts(totals: CostTotals) -> list[str]:
    return [f"{currency} {amount:,f}".strip() for currency, amount in sorted(totals.money.items())]
