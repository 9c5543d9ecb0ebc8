"""What an organization may use: plan, regions, runtimes and quotas.

The service's own clients use these calls, and they are not part of the public contract: any of them may be missing or
refused. They are read leniently: any field may be missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from batchrun.errors import ApiError
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.facts import Hints, OrganizationFacts

__all__ = ["Account"]

T = TypeVar("T")


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
