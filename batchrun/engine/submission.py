"""The result of a session, as returned to its caller."""

from dataclasses import dataclass

from batchrun.engine.progress import Progress
from batchrun.engine.stopping import Stop
from batchrun.errors import Problem

__all__ = ["Submission"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """How a session ended."""

    progress: Progress
    """The batch at the end; its outcomes add up to the plan."""
    stop: Stop | None
    """Why it stopped early; None if there was nothing left to do."""
    notes: tuple[Problem, ...]
    """Problems worth knowing: duplicates, runs that stay unknown, an observer that failed."""
