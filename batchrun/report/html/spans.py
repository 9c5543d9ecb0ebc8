"""Durations by axis value: waiting and running, each as a number and a box."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from batchrun.report.axis_bins import Axis
from batchrun.report.html.pictures.bars import box
from batchrun.report.html.pictures.scales import Range
from batchrun.report.spans import Quantiles, ValueSpans, spans_by_value
from batchrun.report.wording import short_span

__all__ = ["AxisSpans", "SpanCell", "SpanRow", "axis_spans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCell:
    """A median as text, and its box."""

    median: str
    title: str
    box: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """One value of an axis."""

    label: str
    runs: int
    waited: SpanCell | None
    ran: SpanCell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisSpans:
    """One axis; both scales begin at zero."""

    name: str
    rows: tuple[SpanRow, ...]
    waited_most: str
    ran_most: str

    @property
    def size(self) -> int:
        """About how many bytes of the page it takes."""
        cells = [cell for row in self.rows for cell in (row.waited, row.ran) if cell is not None]
        return sum(len(cell.box) + len(cell.title) + len(cell.median) for cell in cells)


def axis_spans(axis: Axis, waited_s: Sequence[float | None], ran_s: Sequence[float | None]) -> AxisSpans | None:
    """The axis as rows; None where nothing is known of any of its runs."""
    values = spans_by_value(axis, waited_s, ran_s)
    waited, ran = _scale([one.waited for one in values]), _scale([one.ran for one in values])
    if not waited.high and not ran.high:
        return None
    return AxisSpans(
        name=axis.name,
        rows=tuple(_row(one, waited, ran) for one in values if one.runs),
        waited_most=short_span(waited.high),
        ran_most=short_span(ran.high),
    )


def _scale(spans: Sequence[Quantiles | None]) -> Range:
    # To the 95th percentile: a single run of a day among minutes would squeeze all boxes to a line.
    return Range(low=0.0, high=max((one.p95 for one in spans if one is not None), default=0.0), is_logarithmic=False)


def _row(one: ValueSpans, waited: Range, ran: Range) -> SpanRow:
    return SpanRow(
        label=one.label,
        runs=one.runs,
        waited=_cell(one.waited, waited, "waiting"),
        ran=_cell(one.ran, ran, "working"),
    )


def _cell(spans: Quantiles | None, scale: Range, style: str) -> SpanCell | None:
    if spans is None:
        return None
    title = f"{spans.count:,} runs: half between {short_span(spans.p25)} and {short_span(spans.p75)}"
    title += f", nine in ten between {short_span(spans.p5)} and {short_span(spans.p95)}"
    return SpanCell(median=short_span(spans.median), title=title, box=box(spans, scale, style=style))
