"""What an organization may use, from the service's responses. Parsed leniently: any field may be missing."""

from typing import Any

import msgspec

__all__ = ["Hints", "OrganizationFacts", "RegionHint", "RuntimeHint"]


class OrganizationFacts(msgspec.Struct, frozen=True, rename="camel"):
    """An organization, as far as a sweep depends on it."""

    id: str
    name: str = ""
    plan: Any = None
    default_region: str = ""
    allowed_regions: list[str] = []
    wherobots_cloud_features: list[str] = []


class RuntimeHint(msgspec.Struct, frozen=True, rename="camel"):
    """A runtime that can be chosen. It is billed in spatial units an hour."""

    id: str
    minimum_spatial_units_per_hour: float | None = None
    maximum_spatial_units_per_hour: float | None = None
    enabled: bool = True


class RegionHint(msgspec.Struct, frozen=True, rename="camel"):
    """A region that can be chosen; ``availability`` is AVAILABLE, DEGRADED, UNAVAILABLE or DISABLED."""

    region_name: str
    enabled: bool = True
    availability: str = "AVAILABLE"


class _Runtimes(msgspec.Struct, frozen=True):
    hint: list[RuntimeHint] = []


class _Regions(msgspec.Struct, frozen=True):
    hint: list[RegionHint] = []


class Hints(msgspec.Struct, frozen=True):
    """The runtimes and regions that the service offers this key."""

    runtimes: _Runtimes = _Runtimes()
    regions: _Regions = _Regions()
