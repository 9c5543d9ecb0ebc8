"""The error responses of the API's own endpoints."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import ErrorClass

__all__ = [
    "MISSING_REGION",
    "no_organization",
    "no_quota",
    "query_error",
    "run_has_ended",
    "run_not_found",
    "too_large",
]

MISSING_REGION = ErrorDetail(
    code=ErrorClass.INVALID_INPUT_ERROR,
    message="Field required",
    details="missing at query.region",
    path="query.region",
    field="region",
    suggestion="Add the query parameter 'region'.",
)
_ORGANIZATION_REFUSALS = {
    403: ErrorDetail(
        code=ErrorClass.INSUFFICIENT_PERMISSIONS_ERROR,
        message="The key may not read the organization",
        path="/organization",
    ),
    404: ErrorDetail(code=ErrorClass.NOT_FOUND_ERROR, message="Not Found", path="/organization"),
}


def too_large(settings: EmulatorSettings) -> ErrorDetail:
    return ErrorDetail(
        code=ErrorClass.REQUEST_ENTITY_TOO_LARGE,
        message=f"The body is larger than {settings.max_body_bytes} bytes",
        path="body",
    )


def no_quota(settings: EmulatorSettings) -> ErrorDetail:
    return ErrorDetail(
        code=ErrorClass.INSUFFICIENT_QUOTA_ERROR,
        message=f"The quota of {settings.quota_runs} active runs is used up",
        suggestion="Wait until a run has ended, or cancel one.",
    )


def no_organization(settings: EmulatorSettings, request: Request) -> Response:
    status = settings.organization_status
    return error_response(status, _ORGANIZATION_REFUSALS[status], request.state.request_id)


def run_not_found(run_id: str, request: Request) -> Response:
    detail = ErrorDetail(
        code=ErrorClass.NOT_FOUND_ERROR,
        message=f"Run {run_id!r} does not exist",
        path="path.run_id",
        field="run_id",
        suggestion="List the runs to find its id.",
    )
    return error_response(404, detail, request.state.request_id)


def run_has_ended(status: int, run_id: str, request: Request) -> Response:
    code = {404: ErrorClass.NOT_FOUND_ERROR, 409: ErrorClass.CONFLICT_ERROR}.get(status, ErrorClass.BAD_REQUEST_ERROR)
    detail = ErrorDetail(code=code, message=f"Run {run_id!r} has ended", path="path.run_id", field="run_id")
    return error_response(status, detail, request.state.request_id)


def query_error(name: str, fact: str) -> dict[str, Any]:
    """An error as FastAPI reports it, so that all invalid queries get the same kind of response."""
    return {"type": "value_error", "loc": ("query", name), "msg": fact}
