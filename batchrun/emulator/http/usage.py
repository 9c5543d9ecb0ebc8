"""``POST /usage/costs``: what runs cost, by the id of their ``kubeApp``."""

from fastapi import FastAPI, Request, Response
from pydantic import ConfigDict

from batchrun.emulator.clock import server_time
from batchrun.emulator.runs.costs import Usage, usage_of
from batchrun.emulator.runs.kube_app import run_id_of, timestamp_text
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.usage import (
    GetKubeAppCostsInput,
    WorkloadCostAvailable,
    WorkloadCostsOutput,
    WorkloadCostUnavailable,
    WorkloadCostUnavailableReason,
)

__all__ = ["CostsInput", "add_usage"]

_MIXED = (WorkloadCostUnavailableReason.UPSTREAM_ERROR, WorkloadCostUnavailableReason.UPSTREAM_RATE_LIMIT)


class CostsInput(GetKubeAppCostsInput):
    """The body as the service reads it: unknown properties pass, and only the name in JSON counts."""

    model_config = ConfigDict(extra="ignore", validate_by_name=False, validate_by_alias=True)


class Costs:
    """The endpoint, over one store."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._requests = 0

    async def get_costs(self, request: Request, body: CostsInput) -> Response:
        """Get the costs of workloads."""
        # Part of the seed, so that asking again may succeed.
        self._requests += 1
        now = server_time(self._store.settings)
        self._store.advance(now)
        organization: str = request.state.organization
        found = WorkloadCostsOutput(costs={one: self._cost(one, organization, now) for one in body.kube_app_ids})
        return Response(found.model_dump_json(), media_type="application/json")

    def _cost(self, app_id: str, organization: str, now: float) -> WorkloadCostAvailable | WorkloadCostUnavailable:
        settings = self._store.settings
        run = self._store.get(run_id_of(app_id))
        if run is None or run.organization != organization:
            reason = WorkloadCostUnavailableReason.NOT_FOUND
        elif (error := _upstream_error(settings, run, self._requests)) is not None:
            reason = error
        else:
            return _available(app_id, run, usage_of(run, settings, now), now)
        return WorkloadCostUnavailable(kube_app_id=app_id, reason=reason)


def _available(app_id: str, run: StoredRun, usage: Usage, now: float) -> WorkloadCostAvailable:
    return WorkloadCostAvailable.model_validate(
        {
            "kube_app_id": app_id,
            "organization_id": run.organization,
            "cost": usage.cost,
            "spatial_units": usage.units,
            "status": usage.status,
            "settled_at": None if usage.settled_at is None else timestamp_text(usage.settled_at),
            "last_evaluated_at": timestamp_text(now),
        }
    )


def _upstream_error(settings: EmulatorSettings, run: StoredRun, request: int) -> WorkloadCostUnavailableReason | None:
    """Why the billing system does not answer for this run in this request; in the next one it may."""
    if not settings.cost_error_rate:
        return None
    if uniform(settings.seed, f"cost_error {request}", run.number) >= settings.cost_error_rate:
        return None
    if settings.cost_error_reason == "mixed":
        return _MIXED[int(uniform(settings.seed, f"cost_error_reason {request}", run.number) * len(_MIXED))]
    return WorkloadCostUnavailableReason(settings.cost_error_reason)


def add_usage(app: FastAPI, store: RunStore) -> None:
    """Add the route."""
    app.add_api_route(
        "/usage/costs",
        Costs(store).get_costs,
        methods=["POST"],
        response_model=WorkloadCostsOutput,
        operation_id="getKubeAppCosts",
        tags=["usage"],
    )
