"""The outcome of one ``POST /runs`` as a plain value. ``batchrun.engine`` decides what follows from it."""

import msgspec

from batchrun.errors import Trouble
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["Answer", "Created", "Lost", "Refused", "Unreadable"]


class Created(msgspec.Struct, frozen=True):
    """A 2xx response with a run id."""

    run_id: str
    status: str | None = None
    hint: RateHint | None = None
    create_time: str | None = None
    """As the service wrote it."""


class Unreadable(msgspec.Struct, frozen=True):
    """A 2xx response without a readable run id: the run exists, but its id is unknown."""

    http_status: int
    reason: str


class Refused(msgspec.Struct, frozen=True):
    """Any other status, with the error from its body if there is one."""

    trouble: Trouble
    retry_after_s: float | None = None
    hint: RateHint | None = None

    @property
    def http_status(self) -> int:
        return self.trouble.status or 0

    @property
    def has_error_body(self) -> bool:
        """Whether the body is the API's own, and not, for example, a proxy's page."""
        return self.trouble.code is not None


class Lost(msgspec.Struct, frozen=True):
    """No response. ``sent`` is False only if provably no byte of the request left this machine."""

    reason: str
    sent: bool = True


Answer = Created | Unreadable | Refused | Lost
