"""Refusals, as the API words them: an ``ErrorBody`` with code, message, path, field and suggestion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from batchrun.wherobots.views import DEFAULT_SUGGESTION, ErrorClass

__all__ = ["ErrorDetail", "refusal"]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """One error of an error body."""

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


def refusal(
    status: int, wrongs: ErrorDetail | Iterable[ErrorDetail], request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that refuses, with one error or several."""
    several = (wrongs,) if isinstance(wrongs, ErrorDetail) else wrongs
    body = _encode({"errors": [wrong.view() for wrong in several], "requestId": request_id})
    return Response(body, status, headers, "application/json")
