"""An order to submit, and where it stands by its ledger before it is carried out."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from typing import Any

from batchrun.cli.planning import earlier_keys
from batchrun.cli.views.plan import difference_words
from batchrun.engine.resume import Difference, changed_files, check_target, difference
from batchrun.engine.settings import SubmitSettings
from batchrun.errors import LedgerMismatchError
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.sweep.plan import Plan

__all__ = ["Standing", "SubmitRequest", "standing_of", "target_changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRequest:
    """What to submit, where to, and what a person allows."""

    plan: Plan
    ledger: Path
    service: str
    """What the ledger calls the service."""
    settings: SubmitSettings
    resume: tuple[str, ...]
    """The command that goes on with it."""
    retry: frozenset[Outcome] = frozenset()
    timeout_s: float | None = None
    create: bool = True
    """Begin a new ledger where there is none."""
    extend: bool = False
    to_another_server: bool = False
    ask: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an order stands before it is carried out. The outcomes add up to what is planned."""

    outcomes: dict[Outcome, int]
    to_send: int
    to_settle: int
    is_new: bool
    order: SubmitRequest

    @property
    def is_finished(self) -> bool:
        """Nothing is left to do."""
        return not self.is_new and self.to_send + self.to_settle == 0

    def words(self) -> str:
        """The outcomes that there are, and what is left to do."""
        there = [f"{count:,} {outcome.value}" for outcome, count in self.outcomes.items() if count]
        left = [f"{self.to_send:,} to send"] if self.to_send else []
        left += [f"{self.to_settle:,} to find out about"] if self.to_settle else []
        return "; ".join(filter(None, [", ".join(there), ", ".join(left)]))

    def json(self) -> dict[str, Any]:
        return {
            "batch": self.order.plan.name,
            "ledger": str(self.order.ledger),
            "service": self.order.service,
            "planned": self.order.plan.runs,
            "outcomes": {outcome.value: count for outcome, count in self.outcomes.items()},
            "to_send": self.to_send,
            "to_settle": self.to_settle,
        }


def standing_of(order: SubmitRequest, state: BatchState) -> Standing:
    """Where the batch stands, once it is sure that it is this batch.

    Raises:
        LedgerMismatchError: the ledger is of another service or another plan, and going on was not allowed.

    """
    gone: tuple[str, ...] = ()
    if state.batch is not None:
        if not order.to_another_server:
            check_target(state.batch, order.service)
        if _is_changed(order, state.batch):
            changed = difference(order.plan, state, earlier_keys(state, order.ledger, os.environ))
            if not order.extend or changed.unknown_gone:
                raise _changed(order, changed)
            gone = changed.gone_keys
    return _counted(order, state, gone)


def target_changed(order: SubmitRequest, state: BatchState) -> bool:
    """Whether the ledger's batch is to be turned to another plan or another service."""
    batch = state.batch
    return batch is not None and (batch.base_url != order.service or _is_changed(order, batch))


def _is_changed(order: SubmitRequest, batch: BatchEvent) -> bool:
    """Whether other runs would be sent, or the same with other values of the environment in them."""
    if batch.plan_sha256 != order.plan.sha256:
        return True
    return any(name.startswith("env.") for name in changed_files(order.plan, batch))


def _counted(order: SubmitRequest, state: BatchState, gone: Iterable[str]) -> Standing:
    outcomes = dict(state.counts)
    for key in gone:
        if key in state.runs:
            outcomes[state.outcome(key)] -= 1
    outcomes[Outcome.PENDING] = order.plan.runs - sum(
        count for outcome, count in outcomes.items() if outcome is not Outcome.PENDING
    )
    return Standing(
        outcomes=outcomes,
        to_send=outcomes[Outcome.PENDING] + sum(outcomes[outcome] for outcome in order.retry),
        to_settle=outcomes[Outcome.UNKNOWN],
        is_new=state.batch is None,
        order=order,
    )


def _changed(order: SubmitRequest, found: Difference) -> LedgerMismatchError:
    """What has changed, in numbers and names, and how to go on."""
    fact = f"the sweep is not the one that this ledger holds: {difference_words(found)}"
    fix = "go on with --extend, or begin another batch with --ledger PATH"
    if found.unknown_gone:
        fact += f"; {found.unknown_gone:,} of those gone are unknown and may exist"
        fix = f"find out about them first: {join(order.resume)}"
    return LedgerMismatchError(str(order.ledger), fact, fix)
