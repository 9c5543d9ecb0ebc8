"""Parse points in time as people type them: a date, a time, or how long ago."""

from datetime import UTC, datetime

from batchrun.errors import UsageError
from batchrun.sweep.manifest.durations import seconds_of
from batchrun.wherobots.clock import steady_now

__all__ = ["moment_from"]


def moment_from(flag: str, text: str | None, *, now_s: float | None = None) -> float | None:
    """Epoch seconds from a date or time in ISO 8601, UTC unless it has an offset, or from how long ago it was (``2d``).

    Raises:
        UsageError: neither of the two.

    """
    if text is None:
        return None
    # A bare number is no duration here: whoever writes 2026 means the year.
    if (ago_s := seconds_of(text)) is not None and not text.strip().isdecimal():
        return (steady_now() if now_s is None else now_s) - ago_s
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        fix = "use a date such as 2026-11-24, a time such as 2026-11-24T18:30Z, or how long ago, such as 2d"
        raise UsageError(flag, f"'{text}' is not a time", fix) from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
