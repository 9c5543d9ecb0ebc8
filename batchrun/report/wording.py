"""Format numbers, durations, times and amounts for people."""

from datetime import UTC, datetime
from decimal import Decimal
from math import floor

__all__ = [
    "amount",
    "clock_span",
    "day_time",
    "duration",
    "numbered",
    "percent",
    "short_amount",
    "short_span",
    "time_span",
]

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
THREE_DIGITS = 99.5
TENTHS_BELOW = 9.95
"""What rounds to ten has no tenths."""


def numbered(count: int, noun: str) -> str:
    """A count with its noun: ``1 run``, ``2,000 runs``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Seconds for people: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds, tenths matter
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def short_span(seconds: float) -> str:
    """A duration of at most seven characters, for a cell: ``4.2 s``, ``48 s``, ``3.5 min``, ``1.5 h``, ``3.0 d``."""
    for length, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= length * 0.995:
            return f"{_fixed(seconds / length, int(seconds / length < TENTHS_BELOW))} {unit}"
    return f"{_fixed(seconds, int(seconds < TENTHS_BELOW))} s"


def _fixed(value: float, digits: int) -> str:
    """Halves are rounded up, as the page's script does it: Python's own formatting rounds them to even digits."""
    scale = 10**digits
    return f"{floor(value * scale + 0.5) / scale:,.{digits}f}"


def clock_span(seconds: float) -> str:
    """A duration as on a clock: ``0:04``, ``4:12``, ``1:02:33``. Columns of them can be compared and sorted."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def percent(share: float) -> str:
    """A share from 0 to 1: ``0 %``, ``<1 %``, ``37 %``, ``100 %``, with a no-break space. Only all of them are 100 %."""
    if share <= 0:
        return "0\u00a0%"
    if share >= 1:
        return "100\u00a0%"
    value = share * 100
    if value < 1:
        return "<1\u00a0%"
    return ">99\u00a0%" if value > 99 else f"{_fixed(value, 0)}\u00a0%"  # noqa: PLR2004 - rounded, 99.6 would be all of them


def amount(value: Decimal, currency: str | None) -> str:
    """Money, or spatial units where the currency is None: ``USD 1,234.50``, ``95.0 SU``."""
    if currency is None:
        return f"{value:,.1f} SU"
    return f"{currency} {value:,.2f}".strip()


def short_amount(value: float) -> str:
    """An amount of at most five characters, for a cell: ``0.04``, ``3.2``, ``148``, ``1.2k``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return _fixed(value / size, int(value < size * THREE_DIGITS)) + unit
    if value >= THREE_DIGITS:
        return _fixed(value, 0)
    return _fixed(value, 2 if value < 1 else 1)


def time_span(begin_s: float, end_s: float) -> str:
    """From one moment to another: ``2026-11-24 08:00 to 09:53 UTC``."""
    begin, end = datetime.fromtimestamp(begin_s, UTC), datetime.fromtimestamp(end_s, UTC)
    last = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} to {last} UTC"


def day_time(at_s: float) -> str:
    """A moment: ``2026-11-24 08:15 UTC``."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"
