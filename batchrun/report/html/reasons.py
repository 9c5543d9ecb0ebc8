"""Failures by reason: their number, what they have in common, the last line of their logs, and the runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchrun.report.failures import FailureGroup
from batchrun.report.html.run_links import RunLink
from batchrun.report.rows import RunRow

__all__ = ["SHOWN", "ReasonView", "reason_views"]

SHOWN = 20
"""Reasons that are listed; those beyond are counted."""
LINKED = 6
"""Runs of a reason that are listed with their links; the table has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One reason as the page shows it."""

    number: int
    group: FailureGroup
    share: float
    """Of all failed runs."""
    last_line: str | None
    """The last error line of the logs, where they were saved."""
    runs: tuple[RunLink, ...]

    @property
    def more(self) -> int:
        return self.group.runs - len(self.runs)


def reason_views(
    groups: Sequence[FailureGroup],
    link: Callable[[RunRow], RunLink],
    last_line: Callable[[Sequence[RunRow]], str | None],
) -> list[ReasonView]:
    """The first ``SHOWN`` reasons: each run may have failed with words of its own."""
    failed = sum(group.runs for group in groups)
    return [
        ReasonView(
            number=number,
            group=group,
            share=group.runs / failed,
            last_line=last_line(group.members),
            runs=tuple(link(row) for row in group.members[:LINKED]),
        )
        for number, group in enumerate(groups[:SHOWN])
    ]
