"""What came back from one ``POST /runs``, as one plain value. What follows from it is decided elsewhere."""

import msgspec

from batchrun.wherobots.rate_headers import RateHint

__all__ = ["Answer", "Created", "Lost", "Refused", "ServiceError", "Unreadable"]


class ServiceError(msgspec.Struct, frozen=True, kw_only=True):
    """The first error of an error body, read leniently: any part may be missing."""

    code: str | None = None
    message: str | None = None
    details: str | None = None
    path: str | None = None
    field: str | None = None
    suggestion: str | None = None
    request_id: str | None = None


NO_ERROR_BODY = ServiceError()


class Created(msgspec.Struct, frozen=True):
    """201 with a run in it."""

    run_id: str
    status: str | None = None
    hint: RateHint | None = None


class Unreadable(msgspec.Struct, frozen=True):
    """A 2xx from which no run id can be read: the run exists, its id is not known."""

    http_status: int
    reason: str


class Refused(msgspec.Struct, frozen=True):
    """Any other status, with what its body says; ``error`` is empty when the body is not the API's own."""

    http_status: int
    error: ServiceError = NO_ERROR_BODY
    retry_after_s: float | None = None
    hint: RateHint | None = None

    @property
    def has_error_body(self) -> bool:
        return self.error.code is not None


class Lost(msgspec.Struct, frozen=True):
    """No answer. ``sent`` is False only where it is proven that nothing of the request left this machine."""

    reason: str
    sent: bool = True


Answer = Created | Unreadable | Refused | Lost
