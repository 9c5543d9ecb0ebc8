"""What runs cost, from the calls that the service's own clients use. Not part of the public contract: either call may be refused.

Amounts are decimals in text and stay so: a float would change the last digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from batchrun.errors import ApiError
from batchrun.wherobots.amounts import decimal_text
from batchrun.wherobots.client import RunsClient

__all__ = ["MOST_IDS", "Billing", "RunCost", "UnavailableCost"]

MOST_IDS = 100
"""Ids that one call takes."""
State = Literal["live", "settling", "final"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """What a run cost so far. ``final`` never changes again."""

    state: State
    cost: str | None
    currency: str | None
    spatial_units: str | None


@dataclass(frozen=True, slots=True)
class UnavailableCost:
    """Why a cost is not known: ``not_found``, ``upstream_error``, ``upstream_rate_limit``, or what else the service says."""

    reason: str


class _Entry(msgspec.Struct):
    status: str | None = None
    cost: str | int | float | None = None
    currency: str | None = None
    spatial_units: str | int | float | None = None
    reason: str | None = None


class _Costs(msgspec.Struct):
    costs: dict[str, _Entry] = {}


_read_costs = msgspec.json.Decoder(_Costs).decode


@dataclass(frozen=True, slots=True)
class Billing:
    """The billing calls of a client."""

    client: RunsClient

    async def costs(self, kube_app_ids: Sequence[str]) -> dict[str, RunCost | UnavailableCost]:
        """The costs of at most 100 runs, by the id of each run's app; an id that the answer lacks is not found.

        Raises:
            ApiError: the service refused, or its answer cannot be parsed.

        """
        place = "POST /usage/costs"
        content = await self.client.ask("POST", "/usage/costs", msgspec.json.encode({"kubeAppIds": kube_app_ids}))
        try:
            found = _read_costs(content).costs
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(place, f"the response cannot be parsed: {error}") from error
        return {
            app_id: _cost(found[app_id]) if app_id in found else UnavailableCost("not_found") for app_id in kube_app_ids
        }

    async def metrics(self, run_id: str) -> RunCost | UnavailableCost:
        """What a run's own metrics say; whether it is final is not known from them.

        Raises:
            ApiError: the service refused, or its answer cannot be parsed.

        """
        place = "GET /runs/{id}/metrics"
        metrics = await self.client.metrics(run_id)
        instant = metrics.get("instant_metrics")
        if not isinstance(instant, dict):
            raise ApiError(place, "the response has no instant_metrics")
        cost, units = _metric(instant, "COST_USD"), _metric(instant, "CONSUMED_SPATIAL_UNITS")
        if cost is None and units is None:
            return UnavailableCost("not billed yet")
        return RunCost(state="settling", cost=cost, currency="USD" if cost is not None else None, spatial_units=units)


def _cost(entry: _Entry) -> RunCost | UnavailableCost:
    cost, units = decimal_text(entry.cost), decimal_text(entry.spatial_units)
    match entry.status:
        case "live" | "settling" | "final" as state if cost is not None or units is not None:
            return RunCost(state=state, cost=cost, currency=entry.currency, spatial_units=units)
        case _:
            return UnavailableCost(entry.reason or "not available")


def _metric(instant: dict[str, Any], name: str) -> str | None:
    """The number of an instant metric: it is nested differently from version to version, so the first number counts."""
    node: Any = instant.get(name)
    for _ in range(6):
        if isinstance(node, dict):
            node = next((node[key] for key in ("metric", "data", "value", "y") if key in node), None)
        elif isinstance(node, list):
            # The latest point of a series.
            node = node[-1] if node else None
        else:
            break
    return decimal_text(node)
