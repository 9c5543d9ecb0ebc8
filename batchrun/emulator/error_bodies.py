"""Error responses in the API's own format: an ``ErrorBody`` with code, message, path, field and suggestion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from batchrun.wherobots.views import DEFAULT_SUGGESTION, ErrorClass

__all__ = ["ErrorDetail", "error_response"]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """One entry of ``errors``; ``details`` repeats the message unless given."""

    code: ErrorClass
    message: str
    details: str = ""
    path: str = ""
    field: str | None = None
    suggestion: str = DEFAULT_SUGGESTION

    def view(self) -> dict[str, Any]:
        return {
            "code": self.code.value,
            "message": self.message,
            "details": self.details or self.message,
            "path": self.path,
            "suggestion": self.suggestion,
            "documentation_url": None,
            "field": self.field,
        }


def error_response(
    status: int,
    errors: ErrorDetail | Iterable[ErrorDetail],
    request_id: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response whose body lists one error or several."""
    details = (errors,) if isinstance(errors, ErrorDetail) else errors
    body = _encode({"errors": [detail.view() for detail in details], "requestId": request_id})
    return Response(body, status, headers, "application/json")
