"""Connection errors in the operating system's words."""

import errno
import os
import re
import socket
from collections.abc import Iterator

__all__ = ["plain_words"]

_ABOUT_CONNECTIONS = frozenset({
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.ECONNABORTED,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EPIPE,
    errno.ETIMEDOUT,
})  # fmt: skip
_ERRNO = re.compile(r"\[Errno (\d+)\]")
"""Where several addresses were tried, the event loop raises an error without a number, with those of all in its text."""
_DEEPEST = 10
"""Bounds the walk along causes: an exception may be its own context."""


def plain_words(error: BaseException) -> str | None:
    """``connection refused``, for an error of any HTTP library; None if the system's error is not to be found in it."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "the host name cannot be resolved"
        if isinstance(cause, OSError):
            found = _ERRNO.search(str(cause)) if cause.errno is None else None
            number = int(found[1]) if found else cause.errno
            if number in _ABOUT_CONNECTIONS:
                return os.strerror(number).lower()
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from; aiohttp keeps the system's error as an attribute."""
    for _ in range(_DEEPEST):
        if error is None:
            return
        yield error
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
            continue
        inner = getattr(error, "os_error", None)
        error = inner if isinstance(inner, OSError) and inner is not error else error.__cause__ or error.__context__
