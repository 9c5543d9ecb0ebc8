"""What an answer's headers say about the limit: ``RateLimit``, ``RateLimit-Policy`` and their ``X-`` forerunners.

The IETF draft (draft-ietf-httpapi-ratelimit-headers) went through several forms, and services send all of them. Whatever
cannot be read is as if it were not there.
"""

import math
import re
from dataclasses import dataclass
from typing import Protocol

__all__ = ["RateHint", "rate_hint"]

_EPOCH_S = 1e9  # a reset beyond this is a moment, not a number of seconds
_LONGEST_S = 86_400.0
_PARAMETER = re.compile(r"(?<![\w-])(q|w|r|t|limit|remaining|reset)\s*=\s*\"?([0-9.]+)", re.IGNORECASE)
_LEADING = re.compile(r"\s*([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateHint:
    """``limit`` requests in ``window_s``; ``remaining`` of them until ``reset_s`` from now. None is not said."""

    limit: float | None = None
    window_s: float | None = None
    remaining: float | None = None
    reset_s: float | None = None

    @property
    def rate_per_s(self) -> float | None:
        """What the policy allows on average; None without a window."""
        if not self.limit or not self.window_s:
            return None
        return self.limit / self.window_s


class _Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


def rate_hint(headers: _Headers, *, now: float) -> RateHint | None:
    """What the headers say, or None when they say nothing; ``now`` is the server's time in epoch seconds.

    Of several policies the first counts: the draft puts the one that binds there.
    """
    state = headers.get("RateLimit") or ""
    policy = headers.get("RateLimit-Policy") or ""
    limit = headers.get("RateLimit-Limit") or headers.get("X-RateLimit-Limit") or ""
    remaining = headers.get("RateLimit-Remaining") or headers.get("X-RateLimit-Remaining") or ""
    reset = headers.get("RateLimit-Reset") or headers.get("X-RateLimit-Reset") or ""
    if not (state or policy or limit or remaining or reset):
        return None
    told, of_policy, of_limit = _parameters(state), _parameters(policy), _parameters(limit)
    return RateHint(
        limit=_first(of_policy.get("q"), _leading(policy), _leading(limit), told.get("limit")),
        window_s=_first(of_policy.get("w"), of_limit.get("w")),
        remaining=_first(told.get("r"), told.get("remaining"), _leading(remaining)),
        reset_s=_seconds(_first(told.get("t"), told.get("reset"), _leading(reset)), now),
    )


def _parameters(value: str) -> dict[str, float]:
    pairs = [(name.lower(), _number(text)) for name, text in _PARAMETER.findall(value)]
    return {name: number for name, number in reversed(pairs) if number is not None}


def _leading(value: str) -> float | None:
    found = _LEADING.match(value)
    return _number(found[1]) if found else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _seconds(reset: float | None, now: float) -> float | None:
    if reset is None:
        return None
    return min(max(reset - now if reset > _EPOCH_S else reset, 0.0), _LONGEST_S)
