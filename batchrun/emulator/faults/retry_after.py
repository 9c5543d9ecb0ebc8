"""``Retry-After`` headers: the forms that real services send, and values that no client should trust."""

import math
from email.utils import formatdate

from batchrun.emulator.settings import RetryAfterForm

__all__ = ["retry_after_header"]

_MIXED: tuple[RetryAfterForm, ...] = ("seconds", "fraction", "date", "none")

# Negative, zero, a thousand days, infinite, not a number, empty, and dates in the past and beyond any calendar.
_ODD = ("-5", "0", "86400000", "1e400", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT")


def retry_after_header(form: RetryAfterForm, wait_s: float, number: int, *, now: float) -> dict[str, str]:
    """The header that asks for ``wait_s`` from ``now`` (epoch seconds by the server's clock), or no header.

    RFC 9110 allows whole seconds and dates; the service has also sent fractions. ``mixed`` and ``odd`` cycle through
    their values by request number.
    """
    if form == "mixed":
        form = _MIXED[number % len(_MIXED)]
    if form == "odd":
        return {"retry-after": _ODD[number % len(_ODD)]}
    if form == "none":
        return {}
    if form == "fraction":
        return {"retry-after": f"{wait_s:.3f}"}
    if form == "date":
        return {"retry-after": formatdate(math.ceil(now + wait_s), usegmt=True)}
    return {"retry-after": str(math.ceil(wait_s))}
