"""The content of the page as one value: turns the ledgers' rows into sentences, figures and pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from batchrun.report.axis_bins import Axis, binned_axes
from batchrun.report.axis_values import axes_of
from batchrun.report.failures import failure_groups
from batchrun.report.html.course import Course, LedgerView, course, ledger_views, submission_figures
from batchrun.report.html.heat_maps import DRAWN, PairView, chooser_data, measures_of, pair_view
from batchrun.report.html.json_block import json_block
from batchrun.report.html.overview import Figure, Overview, overview, telling
from batchrun.report.html.reasons import ReasonView, reason_views
from batchrun.report.html.run_links import RunLink, run_link
from batchrun.report.html.run_table import RunTable, run_table
from batchrun.report.html.source import Source, facts_of
from batchrun.report.html.spans import AxisSpans, axis_spans
from batchrun.report.pairs import Facts, Pair, ranked_pairs, ranked_singles, without_twins
from batchrun.report.rows import RunRow
from batchrun.report.wording import day_time, numbered

__all__ = ["MAX_AXES", "HeatSection", "ReportContent", "ReportOptions", "content_of"]

MAX_AXES = 8
"""Axes that are looked at in pairs: 28 pairs of them."""
MOST_AXES = 40
"""Axes and fields that are looked at by themselves: a data file may have hundreds of columns."""
PAGE_BYTES = 1_400_000
"""For everything but style and script. What pictures leave of it is for the table: a page is to be sent by mail."""
LastLine = Callable[[Sequence[RunRow]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What a person may choose about the page."""

    title: str | None = None
    """Defaults to the names of the batches."""
    console_url: str | None = None
    """The address of a run's page, with ``{run_id}`` in it."""
    last_line: LastLine | None = None
    """Finds the last error line in the saved logs of some runs."""
    made_s: float
    """When the page is made, in epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatSection:
    """Pairs of axes; ``data`` is JSON for the script."""

    pictures: tuple[PairView, ...]
    pairs: int
    data: Markup
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """About how many bytes of the page it takes."""
        return len(self.data) + sum(len(picture) for pair in self.pictures for _, picture in pair.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """The page in the order in which it is read."""

    title: str
    made: str
    ledgers: tuple[LedgerView, ...]
    overview: Overview
    reasons: tuple[ReasonView, ...]
    reasons_left_out: int
    heat: HeatSection
    spans: tuple[AxisSpans, ...]
    course: Course | None
    submission: tuple[Figure, ...]
    table: RunTable
    not_sent: int


def content_of(source: Source, options: ReportOptions) -> ReportContent:
    """Look at the rows from every side that the page shows."""
    facts = facts_of(source.rows, source.costs)
    axes = binned_axes([row.point for row in source.rows], most=MOST_AXES)
    singles = ranked_singles(axes, facts)
    ranked = without_twins([single.x for single in singles])[:MAX_AXES]
    pairs = ranked_pairs(ranked, facts) or singles[:1]  # a sweep of one axis has no pair

    def link(row: RunRow) -> RunLink:
        return run_link(row, options.console_url)

    groups = failure_groups(source.rows)
    reasons = reason_views(groups, link, options.last_line or (lambda _: None))
    # By identity: rows of several ledgers may share a key.
    number_of = {id(row): reason.number for reason in reasons for row in reason.group.members}
    heat, spans = _heat(pairs, axes, ranked, source), _spans(ranked, source, facts)
    return ReportContent(
        title=options.title or ", ".join(dict.fromkeys(ledger.batch.name for ledger in source.ledgers)),
        made=day_time(options.made_s),
        ledgers=tuple(ledger_views(source)),
        overview=overview(source, facts, telling(singles, pairs)),
        reasons=tuple(reasons),
        reasons_left_out=len(groups) - len(reasons),
        heat=heat,
        spans=spans,
        course=course(source),
        submission=tuple(submission_figures(source)),
        table=run_table(
            source.rows,
            axes=ranked,
            reason_number=lambda row: number_of.get(id(row)),
            link=link,
            currency=source.costs.currency,
            room=PAGE_BYTES - heat.size - sum(one.size for one in spans),
        ),
        not_sent=source.not_sent,
    )


def _heat(pairs: Sequence[Pair], axes: Sequence[Axis], ranked: Sequence[Axis], source: Source) -> HeatSection:
    measures = measures_of(pairs, source.costs.currency)
    drawn = pairs[:DRAWN] if measures else ()
    return HeatSection(
        pictures=tuple(pair_view(number, pair, measures, ranked) for number, pair in enumerate(drawn)),
        pairs=len(pairs) if measures else 0,
        data=json_block(chooser_data(pairs, ranked, measures)),
        notes=tuple(_notes(axes, ranked, source)),
    )


def _notes(axes: Sequence[Axis], ranked: Sequence[Axis], source: Source) -> list[str]:
    """What was grouped and what was left out: a reader must not take a range for a value."""
    notes = [
        f"{axis.name} has {len(axis.values):,} values; they are shown as {len(axis.bins)} ranges."
        for axis in ranked
        if axis.is_binned
    ]
    constant = [axis.name for axis in axes if len(axis.bins) < 2]  # noqa: PLR2004 - one value explains nothing
    if constant:
        notes.append(f"Omitted because they do not vary: {', '.join(constant)}.")
    rest = [axis.name for axis in axes if axis not in ranked and axis.name not in constant]
    if rest:
        notes.append(f"Omitted because they explain least or vary together with another axis: {', '.join(rest)}.")
    if beyond := len(axes_of(source.rows)) - len(axes):
        notes.append(f"Not analyzed: {beyond:,} more axes and fields, beyond the first {MOST_AXES}.")
    unknown = sum(not row.point for row in source.rows)
    if axes and unknown:
        notes.append(f"{numbered(unknown, 'run')} without recorded values {'is' if unknown == 1 else 'are'} left out.")
    return notes


def _spans(ranked: Sequence[Axis], source: Source, facts: Facts) -> tuple[AxisSpans, ...]:
    waited_s = [row.waited_s for row in source.rows]
    found = (axis_spans(axis, waited_s, facts.ran_s) for axis in ranked)
    return tuple(spans for spans in found if spans is not None)
