"""Durations as people write them: seconds, or "90s", "30m", "2h", "1d"."""

import math
import re

__all__ = ["DURATION_FIX", "duration_text", "seconds_of"]

MAX_SECONDS = 2**53  # beyond it a float no longer counts single seconds
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
DURATION_FIX = 'use seconds, or a duration such as "90s", "30m", "2h", "1d"'


def seconds_of(value: object) -> float | None:
    """The seconds of a duration, or None if the value is not one."""
    if isinstance(value, bool):  # TOML's true is an int to Python
        return None
    if isinstance(value, int | float):
        return float(value) if 0 <= value <= MAX_SECONDS else None
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else math.inf
    return seconds if seconds <= MAX_SECONDS else None


def duration_text(seconds: float) -> str:
    """The other way round: in the largest unit that leaves no fraction, as in ``90s`` and ``2h``."""
    for unit, length in reversed(_UNITS.items()):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"
