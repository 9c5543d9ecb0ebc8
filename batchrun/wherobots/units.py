"""Spatial units per hour by runtime: published maxima, and what the service reports."""

from collections.abc import Mapping
from dataclasses import dataclass

from batchrun.wherobots.facts import Hints

__all__ = ["PUBLISHED_UNITS", "UnitsPerHour", "units_of"]


@dataclass(frozen=True, slots=True)
class UnitsPerHour:
    """What a runtime uses, in spatial units an hour. ``low`` is 0 where only a maximum is known."""

    low: float
    high: float


PUBLISHED_UNITS: Mapping[str, UnitsPerHour] = {"micro": UnitsPerHour(0, 1), "tiny": UnitsPerHour(0, 5)}
"""Maxima that the service publishes (November 2026). Those of larger runtimes are known only with a key."""


def units_of(hints: Hints | None = None) -> dict[str, UnitsPerHour]:
    """What is known of the units of runtimes: published maxima, and what the service says."""
    found = dict(PUBLISHED_UNITS)
    for hint in hints.runtimes.hint if hints is not None else ():
        low, high = hint.minimum_spatial_units_per_hour, hint.maximum_spatial_units_per_hour
        if low is not None and high is not None and 0 <= low <= high:
            found[hint.id] = UnitsPerHour(low, high)
    return found
