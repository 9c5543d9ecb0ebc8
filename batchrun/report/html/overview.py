"""The top of the page: the batch's result as a sentence, as totals, and as one bar."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from markupsafe import Markup

from batchrun.report.cost_totals import CostTotals
from batchrun.report.html.pictures.bars import Segment, stacked_bar
from batchrun.report.html.segments import segments_of, segments_title
from batchrun.report.html.source import Source, price_of
from batchrun.report.pairs import Facts, Pair
from batchrun.report.rows import RunRow
from batchrun.report.run_label import RunGroup, group_of, label_of
from batchrun.report.wording import amount, duration, numbered, percent, time_span

__all__ = ["Figure", "Overview", "cell_place", "finding", "overview", "telling"]

TELLING = -6.9
"""Logarithm of a chance of 1 in 1,000: below it a pattern among failures is worth a sentence."""

SHARPER = 1.25
"""How many times the axis' own share of failures a pair's worst cell must have to be mentioned beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of the first look, and what it is about."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page begins with."""

    verdict: str
    findings: tuple[str, ...]
    figures: tuple[Figure, ...]
    bar: Markup
    segments: tuple[Segment, ...]


def overview(source: Source, facts: Facts, best: Sequence[Pair]) -> Overview:
    """The first look. ``best`` are the axis and the pair of axes that explain the failures best."""
    counts = Counter(label_of(row.outcome, row.status) for row in source.rows)
    # They have no event, and so no row.
    counts["not sent"] += source.not_sent
    groups = Counter(group_of(row.outcome, row.status) for row in source.rows)
    segments = segments_of(counts)
    bar = stacked_bar(segments, title=segments_title(segments))
    return Overview(
        verdict=_verdict(source, groups, counts),
        findings=tuple(filter(None, [*map(finding, best), *_notes(source, counts)])),
        figures=tuple(_figures(source, facts, groups)),
        bar=bar,
        segments=segments,
    )


def _verdict(source: Source, groups: Counter[RunGroup], counts: Counter[str]) -> str:
    """One sentence: how many of the runs came to which end."""
    total = len(source.rows) + source.not_sent
    if not total:
        return "The plan has no runs."
    if counts["not sent"] == total:
        return f"None of the {numbered(total, 'planned run')} has been sent yet."
    if groups[RunGroup.COMPLETED] == total:
        return "The run completed." if total == 1 else f"All {total:,} runs completed."
    if groups[RunGroup.FAILED] == total:
        return "The run failed." if total == 1 else f"All {total:,} runs failed."
    if not any(group.has_ended for group in groups) and groups[RunGroup.ACTIVE]:
        return f"{groups[RunGroup.ACTIVE]:,} of {numbered(total, 'run')} created; none is known to have ended."
    rest = ", ".join(_parts(groups, counts))
    return f"{groups[RunGroup.COMPLETED]:,} of {numbered(total, 'run')} completed" + (f", {rest}." if rest else ".")


def _parts(groups: Counter[RunGroup], counts: Counter[str]) -> Iterator[str]:
    named = [
        (groups[RunGroup.FAILED], "failed"),
        (groups[RunGroup.CANCELLED], "cancelled"),
        (groups[RunGroup.ACTIVE], "not ended"),
        (counts["unknown"], "unknown"),
        (counts["not sent"], "not sent"),
        (counts["dropped"], "dropped"),
    ]
    yield from (f"{count:,} {name}" for count, name in named if count)


def finding(pair: Pair) -> str | None:
    """Where the failures are, in a sentence; None if chance explains them well enough."""
    if pair.worst is None or pair.log_p > TELLING:
        return None
    cell = pair.cells[pair.worst]
    ended = sum(one.ended for one in pair.cells.values()) - cell.ended
    failed = sum(one.failed for one in pair.cells.values()) - cell.failed
    elsewhere = f"elsewhere {percent(failed / ended)} failed" if ended else "there are no other runs"
    return f"{cell_place(pair, pair.worst)}: {cell.failed:,} of {numbered(cell.ended, 'run')} failed; {elsewhere}."


def telling(singles: Sequence[Pair], pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The axis and the pair of axes worth a sentence: a pair only if it says clearly more than the axis alone."""
    single, pair = next(iter(singles), None), next(iter(pairs), None)
    if single is None or pair is None or single is pair:
        return tuple(filter(None, [single]))
    if single.log_p > TELLING:
        return (pair,)
    # Otherwise the pair's worst cell is only a part of the axis' worst value, and says nothing new.
    return (single, pair) if _worst_share(pair) >= SHARPER * _worst_share(single) else (single,)


def _worst_share(pair: Pair) -> float:
    cell = pair.cells[pair.worst] if pair.worst is not None else None
    return cell.failed / cell.ended if cell is not None and cell.ended else 0.0


def cell_place(pair: Pair, where: tuple[int, int]) -> str:
    """A cell by its axes' values: ``region = eu, year = 2024``."""
    return ", ".join(f"{axis.name} = {axis.bins[i].label}" for axis, i in zip(pair.axes, where, strict=False))


def _notes(source: Source, counts: Counter[str]) -> Iterator[str]:
    """What a reader has to know to read the numbers rightly."""
    left = sum(not row.is_planned for row in source.rows)
    if left:
        yield f"Included: {numbered(left, 'run')} that left the plan after being created."
    reruns = sum(len(row.earlier) for row in source.rows)
    if reruns:
        yield f"Reruns: only the latest generation of each run counts; costs include {numbered(reruns, 'earlier run')}."
    if counts["unknown"]:
        yield f"{numbered(counts['unknown'], 'run')} may or may not exist: a response was lost."
    if any(row.run_id is not None for row in source.rows) and not any(_is_followed(row) for row in source.rows):
        yield "The ledger does not have the status of the created runs yet: follow them with batchrun watch, or use --refresh."
    duplicates = sum(len(ledger.state.duplicates) for ledger in source.ledgers)
    if duplicates:
        yield f"The service has additional runs with the same name for {numbered(duplicates, 'planned run')}."


def _is_followed(row: RunRow) -> bool:
    return row.started_s is not None or group_of(row.outcome, row.status).has_ended


def _figures(source: Source, facts: Facts, groups: Counter[RunGroup]) -> Iterator[Figure]:
    total = len(source.rows) + source.not_sent
    ended = groups[RunGroup.COMPLETED] + groups[RunGroup.FAILED]
    yield Figure(
        name="Runs", value=f"{total:,}", note=f"{len(source.ledgers)} ledgers" if len(source.ledgers) > 1 else ""
    )
    if ended:
        failed = groups[RunGroup.FAILED]
        yield Figure(name="Failed", value=f"{failed:,}", note=f"{percent(failed / ended)} of {ended:,} that ended")
    if source.rows:
        note = time_span(source.begun_s, source.last_s)
        yield Figure(name="Span", value=duration(max(0.0, source.last_s - source.begun_s)), note=note)
    worked = [value for value in facts.ran_s if value is not None]
    if worked:
        yield Figure(name="Median run time", value=duration(median(worked)), note=f"{duration(sum(worked))} in total")
    yield from _cost_figures(source.costs, _price(source))


def _price(source: Source) -> Decimal | None:
    """The person's own price of a unit, if all ledgers have the same."""
    prices = {price_of(ledger.batch) for ledger in source.ledgers}
    return prices.pop() if len(prices) == 1 else None


def _cost_figures(costs: CostTotals, price: Decimal | None) -> Iterator[Figure]:
    """Money by currency, or by the person's own price of a unit, then spatial units, each with what may still change."""
    if not costs.is_known:
        return
    open_ = costs.settling + costs.live
    parts = [f"{open_:,} not final" if open_ else "", f"{costs.unknown:,} unknown" if costs.unknown else ""]
    note = ", ".join(filter(None, parts)) or "all final"
    for currency, sum_ in costs.money.items():
        yield Figure(name="Cost", value=amount(sum_, currency), note=note)
    if not costs.money and price is not None:
        yield Figure(name="Cost", value=amount(costs.units * price, "USD"), note=f"at USD {price} per unit; {note}")
    if costs.units:
        yield Figure(name="Spatial units", value=f"{costs.units:,.1f}", note=note if not costs.money else "")
