"""Rate limit headers: ``RateLimit``, ``RateLimit-Policy`` and the older ``X-RateLimit-*``.

The IETF draft (draft-ietf-httpapi-ratelimit-headers) changed its syntax several times, and services send all variants.
Values that cannot be parsed are ignored.
"""

import math
import re
from dataclasses import dataclass
from typing import Protocol

__all__ = ["RateHint", "rate_hint"]

_EPOCH_S = 1e9  # a larger reset is an epoch time (as GitHub sends it), not a number of seconds
_LONGEST_S = 86_400.0  # a day: no client waits longer, and an absurd value must not overflow anything
_PARAMETER = re.compile(r"(?<![\w-])(q|w|r|t|limit|remaining|reset)\s*=\s*\"?([0-9.]+)", re.IGNORECASE)
_LEADING = re.compile(r"\s*([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateHint:
    """``limit`` requests in ``window_s``; ``remaining`` of them until ``reset_s`` from now. None: not stated."""

    limit: float | None = None
    window_s: float | None = None
    remaining: float | None = None
    reset_s: float | None = None

    @property
    def rate_per_s(self) -> float | None:
        """The average rate that the policy allows; None without a window."""
        if not self.limit or not self.window_s:
            return None
        return self.limit / self.window_s


class _Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


def rate_hint(headers: _Headers, *, now: float) -> RateHint | None:
    """Parse the headers; None if there are none. ``now`` is the server's time in epoch seconds.

    Of several policies the first is used: servers list the binding one first.
    """
    # Standard names take precedence over X- names: a gateway may add the latter for a limit of its own.
    state = headers.get("RateLimit") or ""
    policy = headers.get("RateLimit-Policy") or ""
    limit = headers.get("RateLimit-Limit") or headers.get("X-RateLimit-Limit") or ""
    remaining = headers.get("RateLimit-Remaining") or headers.get("X-RateLimit-Remaining") or ""
    reset = headers.get("RateLimit-Reset") or headers.get("X-RateLimit-Reset") or ""
    if not (state or policy or limit or remaining or reset):
        return None
    of_state, of_policy, of_limit = _parameters(state), _parameters(policy), _parameters(limit)
    return RateHint(
        limit=_first(of_policy.get("q"), _leading(policy), _leading(limit), of_state.get("limit")),
        window_s=_first(of_policy.get("w"), of_limit.get("w")),
        remaining=_first(of_state.get("r"), of_state.get("remaining"), _leading(remaining)),
        reset_s=_seconds(_first(of_state.get("t"), of_state.get("reset"), _leading(reset)), now),
    )


def _parameters(value: str) -> dict[str, float]:
    pairs = [(name.lower(), _number(text)) for name, text in _PARAMETER.findall(value)]
    # Reversed, so that of several policies in one header the first one's values remain.
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
