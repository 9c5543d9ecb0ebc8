"""Parts of the page for notebooks: HTML that includes its own style and needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup, escape

from batchrun.ledger.find import find_ledgers
from batchrun.report.axis_bins import binned_axes
from batchrun.report.cost_totals import cost_totals
from batchrun.report.html.content import MAX_AXES
from batchrun.report.html.heat_maps import measures_of, pair_view
from batchrun.report.html.overview import finding, overview
from batchrun.report.html.page import TEMPLATES
from batchrun.report.html.pictures.bars import Segment, stacked_bar
from batchrun.report.html.segments import segments_of, segments_title
from batchrun.report.html.source import facts_of, read_source
from batchrun.report.html.text import clipped
from batchrun.report.pairs import ranked_pairs, ranked_singles, without_twins
from batchrun.report.rows import RunRow

__all__ = ["Shown", "inline_heat_map", "inline_status_bar", "show", "styled"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of HTML that a notebook shows as what it is; ``html`` carries its own style and needs no script."""

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


def show(*ledgers: str | Path) -> Shown:
    """Show a batch in a notebook cell: one sentence, a status bar, over-represented values, and the most telling heat map.

    Reads only the ledgers, even during submission; a sweep stands for the ledger next to it. Use ``batchrun report`` for
    the full report.

    Raises:
        LedgerError: a ledger cannot be read, is not a ledger of this format, or is damaged; a sweep has none.

    """
    source = read_source(find_ledgers(map(Path, ledgers)))
    facts = facts_of(source.rows, source.costs)
    found = overview(source, facts, ())
    names = ", ".join(dict.fromkeys(clipped(ledger.batch.name) for ledger in source.ledgers))
    head = Markup("<p><b>{}</b> {}</p>").format(names, found.verdict)
    return Shown(styled(head, found.bar, _words(found.segments), inline_heat_map(source.rows)))


def styled(*parts: str) -> str:
    """A fragment for a notebook cell. Its style applies to nothing outside of it, and its background is its own."""
    # With each piece: a notebook's cells may be shown one by one, and on pages of any style.
    style = (TEMPLATES / "pictures.css").read_text("utf-8")
    return f'<div class="batchrun inline"><style>{style}</style>{"".join(parts)}</div>'


def inline_status_bar(counts: dict[str, int]) -> str:
    """One bar of runs by label, ``COMPLETED``, ``FAILED``, ``not sent`` and so on, with its numbers in words below."""
    segments = segments_of(counts)
    return stacked_bar(segments, title=segments_title(segments)) + _words(segments)


def _words(segments: Sequence[Segment]) -> Markup:
    words = ", ".join(f"{segment.mark} {segment.count:,} {clipped(segment.label)}" for segment in segments)
    return Markup("<p>{}</p>").format(words)


def inline_heat_map(rows: Sequence[RunRow]) -> str:
    """The heat map of the pair of axes that explains most; empty where nothing varies, or nothing is known yet."""
    costs = cost_totals(rows)
    facts = facts_of(rows, costs)
    singles = ranked_singles(binned_axes([row.point for row in rows]), facts)
    axes = without_twins([single.x for single in singles])[:MAX_AXES]
    pair = next(iter(ranked_pairs(axes, facts) or singles), None)
    measures = measures_of([pair], costs.currency) if pair is not None else ()
    if pair is None or not measures:
        return ""
    view = pair_view(0, pair, measures[:1], axes)
    title = f"{view.title}: {measures[0].name.lower()}"
    head = Markup("<p><b>{}</b> {}</p>").format(clipped(title), escape(clipped(finding(pair) or "")))
    return head + Markup('<div class="scroll">{}</div>').format(view.pictures[0][1])
