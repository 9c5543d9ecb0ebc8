"""A batch over time: active runs, and figures about the submission."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from batchrun.report.activity import Activity, activity
from batchrun.report.html.overview import Figure
from batchrun.report.html.pictures.timeline import timeline
from batchrun.report.html.source import Ledger, Source, max_active_of, spans_of
from batchrun.report.wording import day_time, duration, numbered

__all__ = ["Course", "LedgerView", "course", "ledger_views", "submission_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The timeline with a sentence about it."""

    picture: Markup
    caption: str


def course(source: Source) -> Course | None:
    """The timeline of all ledgers together; None while no run was created."""
    found = activity(list(spans_of(source)), until_s=source.last_s)
    if found is None:
        return None
    limits = [max_active_of(ledger.batch) for ledger in source.ledgers]
    known = [limit for limit in limits if limit is not None]
    # If one of the ledgers has no limit, the sum of the others bounds nothing.
    limit = sum(known) if len(known) == len(limits) else None
    caption = _caption(found, limit)
    return Course(
        picture=timeline(found, limit=limit, title="Runs over time", description=caption),
        caption=caption,
    )


def _caption(found: Activity, limit: int | None) -> str:
    against = f" (max_active = {limit:,})" if limit is not None else ""
    at = found.begin_s + found.step_s * _peak_interval(found)
    return (
        f"At most {numbered(found.peak, 'run')} active at once{against}, at about {day_time(at)}. "
        f"Each bar covers {duration(found.step_s)}."
    )


def _peak_interval(found: Activity) -> int:
    active = [a + b for a, b in zip(found.waiting, found.working, strict=True)]
    return active.index(max(active))


def submission_figures(source: Source) -> Iterator[Figure]:
    """What submitting took, over all ledgers."""
    states = [ledger.state for ledger in source.ledgers]
    created = sum(row.run_id is not None for row in source.rows)
    attempts = sum(state.attempts for state in states)
    per_run = f"{attempts / created:,.2f} for each created run" if created else ""
    yield Figure(name="Attempts", value=f"{attempts:,}", note=per_run)
    refused: Counter[str] = Counter()
    for state in states:
        refused.update(state.refusals)
    listed = ", ".join(f"{count:,} {reason}" for reason, count in refused.most_common(5))
    yield Figure(name="Temporarily refused", value=f"{refused.total():,}", note=listed)
    settled = sum(state.settled for state in states)
    yield Figure(name="Settled", value=f"{settled:,}", note="found by listing after a lost response" if settled else "")
    duplicates = sum(len(ids) for state in states for ids in state.duplicates.values())
    if duplicates:
        yield Figure(
            name="Duplicates", value=f"{duplicates:,}", note="additional runs with the same name at the service"
        )
    yield from _rates(source)
    yield Figure(name="Sessions", value=f"{sum(state.sessions for state in states):,}")


def _rates(source: Source) -> Iterator[Figure]:
    for ledger in source.ledgers:
        rate = (ledger.state.rate or {}).get("rate_per_s")
        if rate is not None:
            window_s = (ledger.state.rate or {}).get("window_s")
            note = f"in windows of {duration(window_s)}" if window_s else "attempts per second"
            yield Figure(name="Limit learned", value=f"{rate:,.1f}/s", note=note)
            return  # the ledgers of one sweep talk to one service


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """One ledger as the page lists it."""

    name: str
    path: str
    batch_id: str
    planned: int
    created: int
    last: str


def ledger_views(source: Source) -> list[LedgerView]:
    return [_ledger_view(ledger) for ledger in source.ledgers]


def _ledger_view(ledger: Ledger) -> LedgerView:
    return LedgerView(
        name=ledger.batch.name,
        path=str(ledger.path),
        batch_id=ledger.batch.batch_id,
        planned=ledger.batch.runs,
        created=sum(run.run_id is not None for run in ledger.state.runs.values()),
        last=(ledger.state.last_at or "")[:16].replace("T", " ") + " UTC",
    )
