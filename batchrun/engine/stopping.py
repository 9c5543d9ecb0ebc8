"""Why a batch stops early, and the switch that every worker sees."""

from dataclasses import dataclass
from enum import StrEnum

import anyio

from batchrun.errors import Problem

__all__ = ["Stop", "StopReason", "StopSwitch"]


class StopReason(StrEnum):
    """Why no further attempts are sent."""

    UNAUTHORIZED = "unauthorized"
    """401 or 403: the key does not open this."""
    REDIRECTED = "redirected"
    """3xx: the base URL is wrong."""
    UNREACHABLE = "unreachable"
    """The service did not answer at all before anything was sent, or for a long time."""
    FAILURES = "failures"
    """``stop_after_failures`` was reached."""
    ALL_REJECTED = "all_rejected"
    """The first answers were all the same rejection: the manifest is plainly wrong."""
    LEDGER = "ledger"
    """The ledger cannot be written any more."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""
    TERMINATED = "terminated"
    """SIGTERM."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A reason, and the problem that says it to a person."""

    reason: StopReason
    problem: Problem


class StopSwitch:
    """Pulled once; what was under way finishes, nothing new is sent."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.stop: Stop | None = None

    @property
    def is_pulled(self) -> bool:
        return self.stop is not None

    def pull(self, reason: StopReason, problem: Problem) -> None:
        """Stop the batch; the first reason given stays."""
        if self.stop is None:
            self.stop = Stop(reason, problem)
            self._event.set()

    async def wait_pulled(self) -> None:
        await self._event.wait()
