"""The emulated server's clock, which may be wrong, and its ``Date`` header, which may be worse."""

import time
from email.utils import formatdate

from batchrun.emulator.settings import EmulatorSettings

__all__ = ["date_header", "server_time"]

# Beyond any calendar, before any service, and not dates at all.
_ODD_DATES = (
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Wed, 99 Nov 2026 11:06:40 GMT",
    "yesterday",
    "",
)


def server_time(settings: EmulatorSettings) -> float:
    """The time in epoch seconds, as the server's clock shows it."""
    return time.time() + settings.clock_offset_s


def date_header(settings: EmulatorSettings, number: int) -> str | None:
    """The ``Date`` of response ``number``, or None for a response without one."""
    if settings.date_header == "none":
        return None
    if settings.date_header == "odd":
        return _ODD_DATES[number % len(_ODD_DATES)]
    return formatdate(server_time(settings) + settings.date_offset_s, usegmt=True)
