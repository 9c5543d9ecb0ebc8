"""HTML representations for notebooks: small tables."""

from collections.abc import Mapping

from markupsafe import Markup, escape

from batchrun.ledger.state import Outcome
from batchrun.report.run_label import label_of

__all__ = ["summary_html"]

_ROW = Markup("<tr><td>{}</td><td style='text-align:right'>{}</td></tr>")
_TABLE = Markup("<table><thead><tr><th colspan=2 style='text-align:left'>{}</th></tr></thead><tbody>{}</tbody></table>")


def summary_html(name: str, planned: int, outcomes: Mapping[Outcome, int], statuses: Mapping[str, int]) -> str:
    """A batch's runs: those created by status, the others by outcome. All text is escaped: it may be the service's."""
    created = outcomes.get(Outcome.SUBMITTED, 0)
    counts = dict(statuses)
    counts[label_of(Outcome.SUBMITTED, None)] = max(0, created - sum(statuses.values()))
    for outcome, count in outcomes.items():
        if outcome is not Outcome.SUBMITTED:
            counts[label_of(outcome, None)] = count
    rows = [_ROW.format(label, f"{count:,}") for label, count in counts.items() if count]
    rows.append(_ROW.format("planned", f"{planned:,}"))
    return str(_TABLE.format(escape(name), Markup("").join(rows)))
