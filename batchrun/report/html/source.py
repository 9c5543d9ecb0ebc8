"""The data for the page: the rows of one or more ledgers, with facts as parallel sequences."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchrun.files import resolved
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.events import BatchEvent, Event, StatusEvent
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.statuses import GONE
from batchrun.report.activity import Span
from batchrun.report.cost_totals import CostTotals, amount_of, cost_totals
from batchrun.report.pairs import Facts
from batchrun.report.rows import RunRow, read_rows
from batchrun.report.run_label import RunGroup, group_of
from batchrun.wherobots.enums import RunStatus

__all__ = ["Ledger", "Source", "facts_of", "max_active_of", "price_of", "read_source", "spans_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One ledger of the page."""

    path: Path
    state: BatchState
    batch: BatchEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """All runs of all ledgers, in order."""

    ledgers: tuple[Ledger, ...]
    rows: list[RunRow]
    ended_s: dict[str, float]
    """When the ledger noted the end of a run, by run id, where the service gave no time."""
    costs: CostTotals

    @property
    def planned(self) -> int:
        return sum(ledger.batch.runs for ledger in self.ledgers)

    @property
    def not_sent(self) -> int:
        """Planned runs that no ledger has an event of."""
        known = sum(row.is_planned for row in self.rows)
        return max(0, self.planned - known)

    @property
    def begun_s(self) -> float:
        return min(epoch_seconds(ledger.state.first_at or "") for ledger in self.ledgers)

    @property
    def last_s(self) -> float:
        return max(epoch_seconds(ledger.state.last_at or "") for ledger in self.ledgers)


@dataclass(slots=True)
class _Ends:
    """Notes when a run was seen to have ended, for services that give no time."""

    ended_s: dict[str, float] = field(default_factory=dict)

    def observe(self, event: Event) -> None:
        if type(event) is StatusEvent and event.complete_time is None and _is_end(event.status):
            self.ended_s.setdefault(event.run_id, epoch_seconds(event.at))


def _is_end(status: str) -> bool:
    return status == GONE or RunStatus(status).is_final


def read_source(paths: Sequence[Path]) -> Source:
    """Read the ledgers, each once even if it is named twice.

    Raises:
        LedgerError: one of them cannot be read, is not a ledger of this format, or is damaged.

    """
    ledgers, rows, ends = list[Ledger](), list[RunRow](), _Ends()
    # By what a path leads to: a ledger that is named twice, or through a link, must not be counted twice.
    for path in {resolved(path): path for path in paths}.values():
        read = read_rows(path, observe=ends.observe)
        assert read.state.batch is not None  # noqa: S101 - read_rows raises for an empty ledger
        ledgers.append(Ledger(path=path, state=read.state, batch=read.state.batch))
        # Not those that left the plan without ever having existed.
        rows += (row for row in read.rows if row.is_planned or row.run_id is not None or row.earlier)
    return Source(ledgers=tuple(ledgers), rows=rows, ended_s=ends.ended_s, costs=cost_totals(rows))


def facts_of(rows: Sequence[RunRow], costs: CostTotals) -> Facts:
    """The facts that heat maps and durations are made of; work counts only where it went through to an end of its own."""
    groups = [group_of(row.outcome, row.status) for row in rows]
    currency = costs.currency
    return Facts(
        ended=[group in {RunGroup.COMPLETED, RunGroup.FAILED} for group in groups],
        failed=[group is RunGroup.FAILED for group in groups],
        ran_s=[
            row.ran_s if group in {RunGroup.COMPLETED, RunGroup.FAILED} else None
            for row, group in zip(rows, groups, strict=True)
        ],
        cost=[None if (cost := amount_of(row, currency)) is None else float(cost) for row in rows],
    )


def spans_of(source: Source) -> Iterator[Span]:
    """The lives of all created runs whose creation has a time."""
    for row in source.rows:
        created_s = row.created_s or row.submitted_s
        if row.outcome is Outcome.SUBMITTED and created_s is not None and row.run_id is not None:
            group = group_of(row.outcome, row.status)
            ended_s = (row.completed_s or source.ended_s.get(row.run_id)) if group.has_ended else None
            if group.has_ended and ended_s is None:
                ended_s = row.started_s or created_s  # it ended, and nobody knows when: it must not count as active
            yield Span(created_s=created_s, started_s=row.started_s, ended_s=ended_s, failed=group is RunGroup.FAILED)


def _manifest_table(batch: BatchEvent, name: str) -> dict[str, Any]:
    """A table of the manifest that the ledger holds; empty where there is none."""
    try:
        table: Any = tomllib.loads(batch.manifest or "", parse_float=Decimal).get(name, {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def price_of(batch: BatchEvent) -> Decimal | None:
    """The person's own price of a spatial unit, in US dollars: ``[cost] usd_per_unit``."""
    price = _manifest_table(batch, "cost").get("usd_per_unit")
    return Decimal(price) if isinstance(price, int | Decimal) and not isinstance(price, bool) else None


def max_active_of(batch: BatchEvent) -> int | None:
    """The sweep's ``max_active``, if it has one; what ``--max-active`` said is not recorded."""
    limit = _manifest_table(batch, "submit").get("max_active")
    for setting in batch.overrides.get("set", []):
        if isinstance(setting, str) and setting.startswith("submit.max_active="):
            limit = int(value) if (value := setting.partition("=")[2]).isdecimal() else limit
    return limit if isinstance(limit, int) and limit > 0 else None
