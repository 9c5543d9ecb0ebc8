"""The responses of faults that refuse a request."""

from starlette.responses import Response

from batchrun.emulator.clock import server_time
from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.retry_after import retry_after_header
from batchrun.emulator.schedule import uniform
from batchrun.wherobots.views import ErrorClass

__all__ = ["REFUSALS", "login_page", "not_found", "refusal", "refused_call", "server_error"]

REFUSALS = {
    "rate_limit": ErrorDetail(code=ErrorClass.RATE_LIMIT_ERROR, message="Too many requests"),
    "redirect": ErrorDetail(code=ErrorClass.BAD_REQUEST_ERROR, message="This has moved"),
    "forbidden": ErrorDetail(code=ErrorClass.INSUFFICIENT_PERMISSIONS_ERROR, message="The key may not create runs"),
    "conflict": ErrorDetail(code=ErrorClass.CONFLICT_ERROR, message="Another operation is in progress"),
    "quota": ErrorDetail(code=ErrorClass.INSUFFICIENT_QUOTA_ERROR, message="The organization's quota is used up"),
    "unavailable": ErrorDetail(code=ErrorClass.INTERNAL_SERVER_ERROR, message="The service is overloaded"),
}
"""Faults that refuse a request before anything is created, in order of precedence."""

RETRY_AFTER_S = 1.0  # short, so that a test which honors it stays fast
# The contract does not say which status carries a quota error, so that one is a setting.
_STATUS = {"rate_limit": 429, "redirect": 307, "forbidden": 403, "conflict": 409, "unavailable": 503}
_API_ERROR_STATUS = 500
_INTERNAL = ErrorDetail(code=ErrorClass.INTERNAL_SERVER_ERROR, message="An internal error occurred")
# As a gateway answers for a path that it does not know: JSON, but not the API's error body.
_NOT_FOUND = b'{"detail":"Not Found"}'
_NOT_FOUND_STATUS = 404
_REFUSED_CALLS = {
    401: ErrorDetail(code=ErrorClass.UNAUTHORIZED_ERROR, message="The key is not valid for this call"),
    403: ErrorDetail(code=ErrorClass.INSUFFICIENT_PERMISSIONS_ERROR, message="The key may not use this call"),
    429: ErrorDetail(code=ErrorClass.RATE_LIMIT_ERROR, message="Too many requests"),
    500: _INTERNAL,
}
_LOGIN_PAGE = (
    b"<html><head><title>Log in</title></head><body><form>Your network asks you to log in.</form></body></html>"
)
_GATEWAY_PAGE = b"<html><head><title>%d</title></head><body>The upstream did not answer.</body></html>"


def refusal(fault: str, exchange: Exchange) -> Response:
    """The response of a fault in ``REFUSALS``."""
    settings, now = exchange.settings, server_time(exchange.settings)
    headers = {"location": "/moved"} if fault == "redirect" else {}
    if fault == "rate_limit":
        headers = retry_after_header(settings.retry_after, RETRY_AFTER_S, exchange.number, now=now)
    elif fault == "unavailable":
        headers = retry_after_header("seconds", RETRY_AFTER_S, exchange.number, now=now)
    return error_response(_STATUS.get(fault, settings.quota_status), REFUSALS[fault], exchange.request_id, headers)


def refused_call(status: int, request_id: str) -> Response:
    """The response to a call that the service does not offer, or not to this key."""
    if status == _NOT_FOUND_STATUS:
        return not_found()
    detail = _REFUSED_CALLS.get(
        status, ErrorDetail(code=ErrorClass.BAD_REQUEST_ERROR, message=f"Refused with {status}")
    )
    return error_response(status, detail, request_id)


def not_found() -> Response:
    return Response(_NOT_FOUND, 404, media_type="application/json")


def login_page() -> Response:
    """200 with an HTML page, as from a captive portal: the request never reached the service."""
    return Response(_LOGIN_PAGE, 200, media_type="text/html")


def server_error(exchange: Exchange) -> Response:
    """One of ``error_statuses``: a 500 carries an error body, the others a gateway's HTML page."""
    statuses = exchange.settings.error_statuses
    status = statuses[int(uniform(exchange.settings.seed, "error_status", exchange.number) * len(statuses))]
    if status == _API_ERROR_STATUS:
        return error_response(status, _INTERNAL, exchange.request_id)
    return Response(_GATEWAY_PAGE % status, status, media_type="text/html")
