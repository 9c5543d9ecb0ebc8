"""Reading calls of the service: tried again when they fail for a moment, and known to be refused when they are."""

import random
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import anyio

from batchrun.errors import ApiError

__all__ = ["CallRefusedError", "ReadFailure", "Reader", "failure_of"]

T = TypeVar("T")

TRIES = 4
"""Of one call: with one call in five failing, one in six hundred fails for good."""
REFUSALS = 3
"""In a row, before a call counts as refused: a proxy that restarts may answer 403 or 404 for a moment."""
BACKOFF_S = 0.5
LONGEST_WAIT_S = 60.0
"""The longest ``Retry-After`` that a call waits for here; pacing may hold it back for longer."""
_BUSY_CODES = frozenset({"RATE_LIMIT_ERROR", "INSUFFICIENT_QUOTA_ERROR"})


class ReadFailure(StrEnum):
    """What a failed reading call means."""

    PASSING = "passing"
    """No response, an unreadable one, a 5xx, or too many requests: try again."""
    NOT_FOUND = "not found"
    """404: no such run, or no such call."""
    REFUSED = "refused"
    """The service does not offer this call, or not to this key."""
    INVALID = "invalid"
    """400 or 422: the service does not understand the question, and will not the next time."""
    UNAUTHORIZED = "unauthorized"
    """401 or a redirect: no call will work."""


def failure_of(error: ApiError) -> ReadFailure:
    """By the HTTP status; only ``POST /runs`` is officially public, so every other call may be missing or refused."""
    status = error.http_status
    if status is None or status >= 500 or status in {408, 425, 429} or error.trouble.code in _BUSY_CODES:  # noqa: PLR2004 - HTTP statuses
        return ReadFailure.PASSING
    if status == 404:  # noqa: PLR2004 - HTTP status
        return ReadFailure.NOT_FOUND
    if status in {400, 422}:
        return ReadFailure.INVALID
    return ReadFailure.UNAUTHORIZED if status == 401 or status < 400 else ReadFailure.REFUSED  # noqa: PLR2004 - HTTP statuses


class CallRefusedError(Exception):
    """A call that will not work, however often it is tried; ``error`` is the service's answer."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))
        self.error = error


class Reader:
    """Makes reading calls, one at a time; ``wait_for_read`` is awaited before each, so that they keep to their rate."""

    def __init__(self, wait_for_read: Callable[[], Awaitable[None]]) -> None:
        self._wait_for_read = wait_for_read

    async def read(self, call: Callable[[], Awaitable[T]], *, may_miss: bool = False) -> T | None:
        """The answer; None for a 404 if ``may_miss``: then that is an answer as well.

        Raises:
            ApiError: the call failed, and may succeed later.
            CallRefusedError: the service refuses it.

        """
        refusals = 0
        for attempt in range(1, TRIES + 1):
            await self._wait_for_read()
            try:
                return await call()
            except ApiError as error:
                failure = failure_of(error)
                if failure is ReadFailure.NOT_FOUND and may_miss:
                    return None
                refusals = refusals + 1 if failure is not ReadFailure.PASSING else 0
                if refusals == REFUSALS or failure is ReadFailure.INVALID:
                    raise CallRefusedError(error) from error
                wait_s = error.retry_after_s or BACKOFF_S * 2**attempt * random.random()
                if attempt == TRIES or wait_s > LONGEST_WAIT_S:
                    raise
                await anyio.sleep(wait_s)
        raise AssertionError("unreachable")
