"""Choose the fault, if any, that hits a request."""

from collections.abc import Sequence

from batchrun.emulator.calls import CallKind
from batchrun.emulator.faults.fault_responses import REFUSALS
from batchrun.emulator.schedule import FaultSchedule
from batchrun.emulator.settings import EmulatorSettings

__all__ = ["BEFORE_COMMIT", "CALL_FAULTS", "FAULTS", "choose_call_fault", "choose_fault", "is_in_scope"]

BEFORE_COMMIT = (
    *REFUSALS,
    "not_found",
    "login_page",
    "error_before_commit",
    "reset_before_commit",
    "hang_before_commit",
    "late_commit",
)
AFTER_COMMIT = ("error_after_commit", "reset_after_commit", "cut_body", "garbled_body", "trickle", "hang")
FAULTS = (*BEFORE_COMMIT, *AFTER_COMMIT)
"""In order of precedence: the first that applies is used. ``slow`` is not among them; it combines with any of them."""

CALL_FAULTS = {
    "rate_limit": "rate_limit",
    "redirect": "redirect",
    "forbidden": "forbidden",
    "unavailable": "unavailable",
    "not_found": "not_found",
    "login_page": "login_page",
    "error": "error_before_commit",
    "reset": "reset_before_commit",
    "hang": "hang_before_commit",
    "error_after": "error_after_commit",
    "reset_after": "reset_after_commit",
    "cut_body": "cut_body",
    "garbled_body": "garbled_body",
    "trickle": "trickle",
}
"""Faults of all calls but creating, in order of precedence, and the one of ``FAULTS`` that does the same."""


def choose_fault(settings: EmulatorSettings, number: int, names: Sequence[str] = FAULTS) -> str | None:
    """The first fault of ``names`` that hits request ``number``, or None."""
    for name in names if settings.faults.are_any else ():
        schedule: FaultSchedule = getattr(settings.faults, name)
        if schedule.probability and schedule.applies(settings.seed, name, number):
            return name
    return None


def choose_call_fault(settings: EmulatorSettings, number: int) -> str | None:
    """The first of ``CALL_FAULTS`` that hits call ``number``, as one of ``FAULTS``, or None."""
    for name, fault in CALL_FAULTS.items() if settings.call_faults.are_any else ():
        schedule: FaultSchedule = getattr(settings.call_faults, name)
        if schedule.probability and schedule.applies(settings.seed, f"call_{name}", number):
            return fault
    return None


def is_in_scope(kind: CallKind, settings: EmulatorSettings) -> bool:
    """Whether ``call_faults`` may hit this call."""
    return not settings.call_faults_on or kind in settings.call_faults_on
