"""``Retry-After``: seconds or an HTTP date (RFC 9110, section 10.2.3), and fractional seconds."""

import math
from email.utils import parsedate_to_datetime

__all__ = ["MAX_RETRY_AFTER_S", "http_date", "retry_after_s"]

MAX_RETRY_AFTER_S = 3600.0  # a server with a wrong clock or a bug must not stop a batch for days


def retry_after_s(value: str | None, *, now: float) -> float | None:
    """Seconds to wait, clamped to between 0 and an hour; None without a valid header.

    ``now`` is the server's time in epoch seconds, for the date form. RFC 9110 allows only whole seconds, but the service
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
    """An HTTP date as epoch seconds, or None if it is not one."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(value: str) -> float | None:
    try:
        return float(value)  # also reads "inf" and "1e400"; the caller clamps
    except ValueError:
        return None
