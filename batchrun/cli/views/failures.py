"""Failed runs by reason, with the axis values that are over-represented among them."""

from collections.abc import Sequence

from batchrun.cli.output import Table
from batchrun.report.failures import FailureGroup

__all__ = ["failure_table"]

MOST_GROUPS = 10
LONGEST_REASON = 200
"""Characters of a message in a table; the whole one is in the ledger."""


def failure_table(groups: Sequence[FailureGroup]) -> Table:
    """The largest groups of failures. The last line counts the others; a column that would be empty is left out."""
    shown, rest = groups[:MOST_GROUPS], groups[MOST_GROUPS:]
    rows = [(f"{group.runs:,}", group.label, _reason(group), _traits(group), _examples(group)) for group in shown]
    if rest:
        rows.append((f"{sum(group.runs for group in rest):,}", "", f"{len(rest):,} other reasons", "", ""))
    head = ("runs", "status", "reason", "stands out", "examples")
    return Table(title="Failed", head=head, rows=tuple(rows), right=frozenset({"runs"})).without_empty("stands out")


def _reason(group: FailureGroup) -> str:
    words = ": ".join(filter(None, (group.code, group.message)))
    return words if len(words) <= LONGEST_REASON else words[: LONGEST_REASON - 1] + "…"


def _traits(group: FailureGroup) -> str:
    return "; ".join(trait.describe() for trait in group.traits)


def _examples(group: FailureGroup) -> str:
    return ", ".join(group.examples) + (", ..." if len(group.examples) < group.runs else "")
