"""The status of a created run in the ledger: the service's own value, or ``gone``."""

from batchrun.wherobots.enums import RunStatus

__all__ = ["GONE", "has_ended"]

GONE = "gone"
"""The service no longer knows the run. In lower case, because it is not one of the service's words."""
_ENDED = frozenset({GONE, *(status.value for status in RunStatus if status.is_final)})


def has_ended(status: str | None) -> bool:
    """Whether a run with this status is over; a status that batchrun does not know is not final."""
    return status in _ENDED
