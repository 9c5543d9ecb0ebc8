"""``Retry-After`` in its three forms: seconds, fractional seconds, or an HTTP date (RFC 9110, section 10.2.3)."""

import math
from email.utils import parsedate_to_datetime

__all__ = ["MAX_RETRY_AFTER_S", "http_date", "retry_after_s"]

MAX_RETRY_AFTER_S = 3600.0


def retry_after_s(value: str | None, *, now: float) -> float | None:
    """Seconds to wait, between 0 and an hour; None when there is no header or it says nothing.

    ``now`` is the server's time in epoch seconds, for the date form. RFC 9110 knows whole seconds only, but the service
    has sent fractions.
    """
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None and (moment := http_date(value)) is not None:
        seconds = moment - now
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def http_date(value: str) -> float | None:
    """An HTTP date as epoch seconds, or None when it is none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
