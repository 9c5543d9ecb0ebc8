"""``GET /organization`` and related calls: whose API key this is, and what it may use."""

import json
from collections.abc import Callable

from fastapi import FastAPI, Request, Response

from batchrun.emulator.http.hints import config_hint
from batchrun.emulator.http.models.hints import JupyterConfigHint
from batchrun.emulator.http.refusals import no_organization
from batchrun.emulator.runs.views import ORGANIZATION_CREATED
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.organization import (
    Organization,
    OrganizationState,
    Plan,
    QuotaType,
    SamlSsoStatus,
    WherobotsCloudFeature,
)

__all__ = ["add_organization"]

OK = 200


def add_organization(app: FastAPI, settings: Callable[[], EmulatorSettings]) -> None:
    """Add the routes."""

    async def get_organization(request: Request) -> Response:
        """Get the organization of the API key."""
        current = settings()
        if current.organization_status != OK:
            return no_organization(current, request)
        found = organization_of(request.state.organization, current)
        return Response(found.model_dump_json(by_alias=True), media_type="application/json")

    async def get_quotas() -> Response:
        """Get the quotas of the organization."""
        return Response(json.dumps(settings().quotas), media_type="application/json")

    async def get_config_hint() -> Response:
        """Get the runtimes, regions and versions that can be chosen."""
        return Response(config_hint(settings()).model_dump_json(by_alias=True), media_type="application/json")

    for path, endpoint, model, operation_id in (
        ("/organization", get_organization, Organization, "getOrganization"),
        ("/organization/quota/organization", get_quotas, dict[QuotaType, int], "getOrganizationQuota"),
        ("/me/jupyter/lab/config-hint", get_config_hint, JupyterConfigHint, "getConfigHint"),
    ):
        app.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            response_model=model,
            operation_id=operation_id,
            tags=["organization"],
        )


def organization_of(organization_id: str, settings: EmulatorSettings) -> Organization:
    """An active organization without members or storage; its name is its id."""
    return Organization.model_validate(
        {
            "id": organization_id,
            "createTime": ORGANIZATION_CREATED,
            "updateTime": ORGANIZATION_CREATED,
            "name": organization_id,
            "plan": Plan(settings.plan),
            "wherobotsCloudFeatures": [WherobotsCloudFeature(feature) for feature in settings.cloud_features],
            "users": [],
            "services": [],
            "roles": [],
            "storageIntegrations": [],
            "verified": True,
            "domainIsVerified": False,
            "samlSsoStatus": SamlSsoStatus.INACTIVE,
            "defaultRuntime": RuntimeId(settings.default_runtime),
            "defaultRegion": settings.default_region,
            "state": OrganizationState.ACTIVE,
            "allowedRegions": settings.allowed_regions or [settings.default_region],
        }
    )
