"""Runs that the service holds, compared with the planned run of the same name, for a person to decide about."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from batchrun.engine.evidence import MARGIN_S, Fit, Sought, fit
from batchrun.engine.listing.known_ids import ids_of
from batchrun.engine.tagging import Tagging
from batchrun.ledger.fold import BatchState
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.identity import PayloadDifference, payload_differences
from batchrun.wherobots.summaries import RunSummary

__all__ = ["HeldRun", "HeldRuns"]

SHOWN_DIFFERENCES = 5
"""Differences of a payload that are kept: a person sees from a few whether the service wrote it another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A run that the service holds under one of the batch's names."""

    run_id: str
    name: str | None
    status: str | None
    create_time: str | None
    """As the service wrote it."""
    fit: Fit
    """How it relates to the planned run, by the same rules that batchrun uses to adopt runs."""
    is_compared: bool
    """Whether the payloads could be compared: the plan can be rebuilt, and the service returned the run's payload."""
    differences: tuple[PayloadDifference, ...] = ()
    """The first few places where the payloads differ."""
    holder: str | None = None
    """The key of the planned run that has this id in the ledger."""
    holder_name: str | None = None
    """The name that it was created under, if it was looked up."""
    is_foreign: bool = False
    """A person decided earlier that the run belongs to another batch."""

    @property
    def is_ours(self) -> bool:
        """Whether batchrun would adopt it without asking."""
        return self.fit is Fit.OURS and not self.is_foreign


class HeldRuns:
    """Compares listed runs with planned ones."""

    def __init__(self, state: BatchState, plan: Plan | None) -> None:
        batch_id = state.batch.batch_id if state.batch is not None else None
        self._tagging = Tagging(batch_id if plan is not None and plan.submit.tag else None)
        self._foreign = state.foreign
        self._margin_s = MARGIN_S + state.creation_lag_s
        self._holders: Mapping[str, str] = dict(ids_of(state))

    def compare(
        self,
        listed: RunSummary,
        *,
        name: str,
        key: str,
        since_s: float | None,
        planned: PlannedRun | None,
        generation: int = 1,
    ) -> HeldRun:
        """How a listed run relates to the planned run ``key``, which was first sent at ``since_s`` (epoch seconds).

        ``planned`` is None if its payload is no longer known.
        """
        # The keyed body has ``<env.NAME>`` for secrets, which compare as wildcards: a rotated token is not a difference.
        body = None if planned is None else planned.keyed_body or planned.body
        sought = Sought(
            name=name,
            created_from_s=(since_s or 0.0) - self._margin_s,
            body=body,
            tag=self._tagging.tag_of(key, generation),
        )
        is_compared = body is not None and listed.payload is not None
        return HeldRun(
            run_id=listed.id,
            name=listed.name,
            status=listed.status,
            create_time=listed.create_time,
            # That a person declared it foreign is shown beside its fit, and not in place of it.
            fit=fit(listed, sought, is_taken=self._holders.__contains__),
            is_compared=is_compared,
            differences=tuple(islice(payload_differences(body or b"{}", listed.payload or {}), SHOWN_DIFFERENCES))
            if is_compared
            else (),
            holder=self._holders.get(listed.id),
            is_foreign=listed.id in self._foreign,
        )
