"""Read requests, retried on transient failures; a call that the service refuses is remembered as refused."""

import random
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import anyio

from batchrun.errors import ApiError
from batchrun.wherobots.http_statuses import (
    INVALID,
    NOT_FOUND,
    PASSING,
    QUOTA_CODE,
    RATE_CODE,
    TIMEOUT_CODE,
    UNAUTHORIZED,
    is_redirect,
)

__all__ = ["CallRefusedError", "ReadFailure", "Reader", "failure_of"]

T = TypeVar("T")

TRIES = 4
"""Of one call: with one call in five failing, one in six hundred fails for good."""
REFUSALS = 3
"""In a row, before a call counts as refused: a proxy that restarts may answer 403 or 404 for a moment."""
BACKOFF_S = 0.5
LONGEST_WAIT_S = 60.0
"""The longest ``Retry-After`` that a call waits for here; pacing may hold it back for longer."""
PASSING_CODES = frozenset({RATE_CODE, QUOTA_CODE, TIMEOUT_CODE})
"""These pass as well, whatever the status; as attempts are judged (a test compares)."""


class ReadFailure(StrEnum):
    """The meaning of a failed read request."""

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


REFUSALS_BY_STATUS = {
    UNAUTHORIZED: ReadFailure.UNAUTHORIZED,
    NOT_FOUND: ReadFailure.NOT_FOUND,
    **dict.fromkeys(INVALID, ReadFailure.INVALID),
}


def failure_of(error: ApiError) -> ReadFailure:
    """By the HTTP status; only ``POST /runs`` is officially public, so every other call may be missing or refused."""
    status = error.http_status
    if is_redirect(status):
        return ReadFailure.UNAUTHORIZED
    is_client_error = (status or 0) // 100 == 4  # noqa: PLR2004 - 4xx
    if not is_client_error or status in PASSING or error.trouble.code in PASSING_CODES:
        return ReadFailure.PASSING
    return REFUSALS_BY_STATUS.get(status or 0, ReadFailure.REFUSED)


class CallRefusedError(Exception):
    """A call that will not work, however often it is tried; ``error`` is the service's answer."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))
        self.error = error


class Reader:
    """Makes read requests, one at a time; ``wait_for_read`` is awaited before each, so that they keep to their rate."""

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
                # In a row: a proxy that restarts may refuse one call and be busy for the next.
                refusals = refusals + 1 if failure is not ReadFailure.PASSING else 0
                if refusals == REFUSALS or failure is ReadFailure.INVALID:
                    raise CallRefusedError(error) from error
                wait_s = error.retry_after_s or BACKOFF_S * 2**attempt * random.random()
                if attempt == TRIES or wait_s > LONGEST_WAIT_S:
                    raise
                await anyio.sleep(wait_s)
        raise AssertionError("unreachable")
