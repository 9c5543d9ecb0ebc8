"""What the HTTP statuses of refusals mean. Attempts, read requests, preflight and ``doctor`` all decide by these. Pure."""

__all__ = [
    "CALL_REFUSED",
    "CONFLICT",
    "INVALID",
    "KEY_REFUSED",
    "NOT_FOUND",
    "NO_SUCH_PATH",
    "PASSING",
    "PAYMENT_REQUIRED",
    "QUOTA_CODE",
    "RATE_CODE",
    "TIMEOUT_CODE",
    "UNAUTHORIZED",
    "is_conflict",
    "is_redirect",
]

UNAUTHORIZED = 401
"""The key works for no call."""
PAYMENT_REQUIRED = 402
"""Without the code of a quota, it is about the account: no run is created until somebody has settled that."""
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
PASSING = frozenset({408, 425, 429})
"""What the service is too busy for now it may do later."""
INVALID = frozenset({400, 422})
"""The service does not understand the request, and will not the next time."""
KEY_REFUSED = frozenset({UNAUTHORIZED, FORBIDDEN})
NO_SUCH_PATH = frozenset({NOT_FOUND, 405, 410})
"""There is no such call here. Of the first list, that means that the base URL is wrong."""
CALL_REFUSED = NO_SUCH_PATH | {FORBIDDEN, 501}
"""The service does not offer a call, or not to this key, while others may still work."""

QUOTA_CODE = "INSUFFICIENT_QUOTA_ERROR"
RATE_CODE = "RATE_LIMIT_ERROR"
TIMEOUT_CODE = "TIMEOUT_ERROR"


def is_conflict(status: int | None, code: str | None) -> bool:
    """Whether a request was refused because of something that exists.

    That may be what the request itself created: something on the way may have sent it twice.
    """
    return status == CONFLICT and code not in {QUOTA_CODE, RATE_CODE}


def is_redirect(status: int | None) -> bool:
    """3xx: redirects are not followed, since the key would be sent to another server."""
    return (status or 0) // 100 == 3  # noqa: PLR2004 - 3xx
