"""``Retry-After``, in the three forms that real services send."""

import math
import time
from email.utils import formatdate

from batchrun.emulator.settings import RetryAfterForm

__all__ = ["retry_after_header"]

_MIXED: tuple[RetryAfterForm, ...] = ("seconds", "fraction", "date", "none")


def retry_after_header(form: RetryAfterForm, wait_s: float, number: int) -> dict[str, str]:
    """The header that tells a client to wait ``wait_s``; "mixed" goes through the forms by request number."""
    if form == "mixed":
        form = _MIXED[number % len(_MIXED)]
    if form == "none":
        return {}
    if form == "fraction":
        return {"retry-after": f"{wait_s:.3f}"}
    if form == "date":
        return {"retry-after": formatdate(math.ceil(time.time() + wait_s), usegmt=True)}
    return {"retry-after": str(math.ceil(wait_s))}
