"""What an API key's organization may do: plan, regions, runtimes and quotas.

The service's own clients use these calls, and they are not part of the public contract: any of them may be missing or
refused. They are read leniently: any field may be missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from batchrun.errors import ApiError
from batchrun.wherobots.client import RunsClient

__all__ = ["Account", "Hints", "OrganizationFacts", "RegionHint", "RuntimeHint"]

T = TypeVar("T")


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


_read_organization = msgspec.json.Decoder(OrganizationFacts).decode
_read_quotas = msgspec.json.Decoder(dict[str, float]).decode
_read_hints = msgspec.json.Decoder(Hints).decode


@dataclass(frozen=True, slots=True)
class Account:
    """The account calls of a client. Each raises ApiError where the service refuses it or its answer cannot be read."""

    client: RunsClient

    async def organization(self) -> OrganizationFacts:
        """The key's organization."""
        return await self._ask("/organization", _read_organization)

    async def quotas(self) -> dict[str, float]:
        """The organization's quotas by type, such as ``WORKLOAD_LIFETIME_HOUR`` and ``DISK_PER_NODE_GB``."""
        return await self._ask("/organization/quota/organization", _read_quotas)

    async def hints(self) -> Hints:
        """What can be chosen, and what each runtime costs in spatial units an hour."""
        return await self._ask("/me/jupyter/lab/config-hint", _read_hints)

    async def _ask(self, path: str, read: Callable[[bytes], T]) -> T:
        content = await self.client.ask("GET", path)
        try:
            return read(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(f"GET {path}", f"the response cannot be parsed: {error}") from error
