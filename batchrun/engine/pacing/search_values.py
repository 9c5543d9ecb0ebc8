"""What goes into a search for the rate limit and what comes out of it."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

__all__ = ["Learned", "SearchState", "Snapshot", "Ticket"]


class SearchState(Enum):
    """What the search is doing; the value is shown to the user."""

    STARTING = "finding the limit"
    SEARCHING = "narrowing down the limit"
    HOLDING = "holding just below the limit"
    PROBING = "testing a slightly higher rate"
    CLOSED = "waiting for the rate limit window to reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the next session starts from: the rate that held and, if the limit has a window, its length."""

    rate_per_s: float
    window_s: float | None = None
    refused_per_s: float | None = None
    """A rate that was refused, while the limit may still be anywhere between the two."""


class Ticket(NamedTuple):
    """One attempt: issued when it starts, returned with its response."""

    number: int
    sent_at: float
    rate_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The search at one moment."""

    state: SearchState
    rate_per_s: float
    limit_per_s: float | None
    """The lowest rate seen refused; None before the first refusal."""
    window_s: float | None
    paused_until: float | None
