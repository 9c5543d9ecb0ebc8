"""A run that was sent more than once, and is looked for once more at the end of a session."""

from dataclasses import dataclass

__all__ = ["Resent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """A submitted run that was sent more than once: an earlier attempt of it may still commit."""

    key: str
    name: str
    first_sent_at_s: float
    """Epoch seconds of the server's clock."""
    not_before_s: float
    """When a look is conclusive, on the monotonic clock."""
    body: bytes | None = None
    generation: int | None = None
    """None if it is no longer known which one was sent more than once."""
    reported: frozenset[str] = frozenset()
    """Further runs that were found, and reported, when the run was settled."""
