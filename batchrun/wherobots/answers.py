"""What came back from one ``POST /runs``, as one plain value. What follows from it is decided elsewhere."""

import msgspec

from batchrun.errors import Trouble
from batchrun.wherobots.rate_headers import RateHint

__all__ = ["Answer", "Created", "Lost", "Refused", "Unreadable"]


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
    """Any other status, with what its body says."""

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
    """No answer. ``sent`` is False only where it is proven that nothing of the request left this machine."""

    reason: str
    sent: bool = True


Answer = Created | Unreadable | Refused | Lost
