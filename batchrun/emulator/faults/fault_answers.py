"""What a client is told when a fault refuses its request."""

from starlette.responses import Response

from batchrun.emulator.chance import uniform
from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.retry_hints import retry_after_header
from batchrun.emulator.problems import ErrorDetail, refusal
from batchrun.wherobots.views import ErrorClass

__all__ = ["REFUSING", "refused", "server_error"]

REFUSING = {
    "rate_limit": ErrorDetail(code=ErrorClass.RATE_LIMIT_ERROR, message="Too many requests"),
    "redirect": ErrorDetail(code=ErrorClass.BAD_REQUEST_ERROR, message="This has moved"),
    "forbidden": ErrorDetail(code=ErrorClass.INSUFFICIENT_PERMISSIONS_ERROR, message="The key may not create runs"),
    "conflict": ErrorDetail(code=ErrorClass.CONFLICT_ERROR, message="Another operation is in progress"),
    "quota": ErrorDetail(code=ErrorClass.INSUFFICIENT_QUOTA_ERROR, message="The organisation's quota is used up"),
    "unavailable": ErrorDetail(code=ErrorClass.INTERNAL_SERVER_ERROR, message="The service is overloaded"),
}
RETRY_AFTER_S = 1.0
_STATUS = {"rate_limit": 429, "redirect": 307, "forbidden": 403, "conflict": 409, "unavailable": 503}
_OWN_ERROR = 500
_INTERNAL = ErrorDetail(code=ErrorClass.INTERNAL_SERVER_ERROR, message="An internal error occurred")
_GATEWAY_PAGE = b"<html><head><title>%d</title></head><body>The upstream did not answer.</body></html>"


def refused(fault: str, exchange: Exchange) -> Response:
    """The answer to a request that is refused by a fault named in ``REFUSING``."""
    settings = exchange.settings
    headers = {"location": "/moved"} if fault == "redirect" else {}
    if fault == "rate_limit":
        headers = retry_after_header(settings.retry_after, RETRY_AFTER_S, exchange.number)
    elif fault == "unavailable":
        headers = retry_after_header("seconds", RETRY_AFTER_S, exchange.number)
    return refusal(_STATUS.get(fault, settings.quota_status), REFUSING[fault], exchange.request_id, headers)


def server_error(exchange: Exchange) -> Response:
    """A 500 speaks the API's language; the others come from a gateway that does not."""
    statuses = exchange.settings.error_statuses
    chosen = int(uniform(exchange.settings.seed, "error_status", exchange.number) * len(statuses))
    if statuses[chosen] == _OWN_ERROR:
        return refusal(_OWN_ERROR, _INTERNAL, exchange.request_id)
    return Response(_GATEWAY_PAGE % statuses[chosen], statuses[chosen], media_type="text/html")
