"""One label per planned run, from its outcome and its status, and the groups of labels."""

from enum import StrEnum

from batchrun.ledger.fold import Outcome
from batchrun.ledger.statuses import GONE
from batchrun.wherobots.enums import RunStatus

__all__ = ["RunGroup", "group_of", "label_of"]


class RunGroup(StrEnum):
    """What outcome and status amount to for a person who waits for results."""

    COMPLETED = "completed"
    FAILED = "failed"
    """It ended badly at the service, the service no longer knows it, or it could not be created."""
    CANCELLED = "cancelled"
    ACTIVE = "active"
    """It exists and has not ended, as far as the ledger knows."""
    NOT_CREATED = "not created"
    """It is still to be sent, may have been created, or was dropped."""

    @property
    def has_ended(self) -> bool:
        return self in _ENDED

    @property
    def has_ended_badly(self) -> bool:
        """Whether it ended without its results; a cancelled run counts, whoever cancelled it."""
        return self.has_ended and self is not RunGroup.COMPLETED


_ENDED = frozenset({RunGroup.COMPLETED, RunGroup.FAILED, RunGroup.CANCELLED})
_LABELS = {Outcome.PENDING: "not sent", Outcome.FAILED: "not created", Outcome.SUBMITTED: "created"}
"""Outcomes whose names could be taken for a status: the service's PENDING and FAILED say something else."""
_BY_OUTCOME = {Outcome.REJECTED: RunGroup.FAILED, Outcome.FAILED: RunGroup.FAILED}
_BY_STATUS = {
    RunStatus.COMPLETED: RunGroup.COMPLETED,
    RunStatus.FAILED: RunGroup.FAILED,
    RunStatus.TIMED_OUT: RunGroup.FAILED,
    RunStatus.CANCELLED: RunGroup.CANCELLED,
    GONE: RunGroup.FAILED,
}


def label_of(outcome: Outcome, status: str | None) -> str:
    """The service's status where there is one, else what became of the attempts to create the run."""
    if outcome is Outcome.SUBMITTED and status is not None:
        return status
    return _LABELS.get(outcome, outcome.value)


def group_of(outcome: Outcome, status: str | None) -> RunGroup:
    """The group of a run; a status that is not known yet is not final, so its run is active."""
    if outcome is Outcome.SUBMITTED:
        return _BY_STATUS.get(status or "", RunGroup.ACTIVE)
    return _BY_OUTCOME.get(outcome, RunGroup.NOT_CREATED)
