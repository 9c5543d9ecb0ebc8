"""The view of ``--quiet``, which every other view of runs is made from."""

from types import TracebackType
from typing import Self

from batchrun.cli.output import Output
from batchrun.errors import Problem

__all__ = ["QuietView"]


class QuietView:
    """Shows notes only."""

    def __init__(self, output: Output) -> None:
        self.output = output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def note(self, note: Problem) -> None:
        self.output.warn(note)

    def leave(self) -> None:
        """End the display; may be called more than once."""
