"""``GET /organization``: whose API key this is."""

from collections.abc import Callable

from fastapi import FastAPI, Request, Response

from batchrun.emulator.http.refusals import ERROR_RESPONSES, no_organization
from batchrun.emulator.runs.views import ORGANIZATION_CREATED
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.organization import (
    Organization,
    OrganizationState,
    Plan,
    SamlSsoStatus,
    WherobotsCloudFeature,
)

__all__ = ["add_organization"]

OK = 200


def add_organization(app: FastAPI, settings: Callable[[], EmulatorSettings]) -> None:
    """Add the route."""

    async def get_organization(request: Request) -> Response:
        """Get the organization of the API key."""
        current = settings()
        if current.organization_status != OK:
            return no_organization(current, request)
        found = organization_of(request.state.organization, current)
        return Response(found.model_dump_json(by_alias=True), media_type="application/json")

    app.add_api_route(
        "/organization",
        get_organization,
        methods=["GET"],
        response_model=Organization,
        operation_id="getOrganization",
        tags=["organization"],
        responses=ERROR_RESPONSES,
    )


def organization_of(organization_id: str, settings: EmulatorSettings) -> Organization:
    """An active organization without members or storage; its name is its id."""
    return Organization.model_validate(
        {
            "id": organization_id,
            "createTime": ORGANIZATION_CREATED,
            "updateTime": ORGANIZATION_CREATED,
            "name": organization_id,
            "plan": Plan.PROFESSIONAL,
            "wherobotsCloudFeatures": [WherobotsCloudFeature.RUNS],
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
            "allowedRegions": [settings.default_region],
        }
    )
